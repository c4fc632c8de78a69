"""What a death costs in words and totals, who is cleared, what to do, and when rules would have paged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from celeriac.detectors import remedies, worker_lost, worker_oom_killed
from celeriac.detectors.endings import endings
from celeriac.detectors.paging import paging
from lab.views import (
    MIB,
    NOW,
    container,
    counted,
    dead_worker,
    gone,
    held,
    kernel_kill,
    look,
    process,
    queue,
    task,
    view,
    worker,
)

RAN = task("7c9d", (NOW - 20, "received"), (NOW - 19, "started"))
SEED = dead_worker(kernel_kill(), counted(), depth=1487, tasks=(RAN,), broker=look(held("b1", NOW - 20)))


def test_the_root_says_it_all_in_one_sentence() -> None:
    (found,) = worker_oom_killed.judge(SEED)
    assert found.summary.startswith(
        "celery@web-1's main process was killed by the kernel: its memory limit of 96 MB was reached; "
        "1 task lost, 1 held until "
    )
    assert "; nobody consumes celery, 1,487 waiting and growing " in found.summary


def test_the_root_carries_the_totals_of_its_consequences() -> None:
    (found,) = worker_oom_killed.judge(SEED)
    assert found.impact.lost == ("7c9d",) and found.impact.held == ("b1",)
    assert found.impact.held_until == NOW - 20 + 3600.0
    assert found.impact.waiting == 1487 and dict(found.impact.task_names) == {"exports.csv": 2}


def test_the_proof_is_three_to_six_dated_facts_with_how_to_see_them() -> None:
    (found,) = worker_oom_killed.judge(SEED)
    assert 3 <= len(found.evidence) <= 6
    assert [fact.at for fact in found.evidence] == sorted(fact.at for fact in found.evidence)
    assert all(fact.how for fact in found.evidence)
    assert {"kernel", "cgroup", "process", "event", "broker"} >= {fact.source for fact in found.evidence}


def test_broker_publishers_and_operator_are_cleared_by_facts() -> None:
    (found,) = worker_oom_killed.judge(SEED)
    assert [one.what for one in found.ruled_out] == ["broker", "web / publishers", "operator shutdown"]
    assert found.ruled_out[0].why == "answers PING in 0.4 ms, role master, memory 3 %"


def test_a_broker_that_is_full_or_a_replica_is_not_cleared() -> None:
    for sick in ({"used_memory": 95 * MIB}, {"role": "slave"}, {"loading": True}):
        (found,) = worker_oom_killed.judge(replace(SEED, broker=look(**sick)))
        assert "broker" not in [one.what for one in found.ruled_out]


@pytest.mark.parametrize(
    ("where", "command"),
    [
        (
            {"container": "9c5f0a7b1d2e"},
            "docker update --memory 512m --memory-swap 512m 9c5f0a7b1d2e && docker start 9c5f0a7b1d2e",
        ),
        ({"cgroup": "/system.slice/w.service"}, "systemctl set-property w.service MemoryMax=512M"),
        ({"cgroup": "/kubepods/pod1/x"}, "kubectl set resources deployment/WORKER --limits=memory=512Mi"),
        ({"command": "celery -A shop worker"}, "celery -A shop worker   # with at least 512 MB of memory"),
    ],
)
def test_the_fix_fits_where_the_worker_ran(where: dict[str, Any], command: str) -> None:
    (ending,) = endings(dead_worker(evidence=(gone(**where),)))
    assert remedies.place(ending, 512 * MIB).enlarge.startswith(command)


def test_twice_the_limit_is_tried_next_at_least_512_mb() -> None:
    assert remedies.more_memory(96 * MIB) == 512 * MIB
    assert remedies.more_memory(1024 * MIB) == 2048 * MIB


def test_sending_a_lost_task_again_is_said_to_repeat_work() -> None:
    (found,) = worker_lost.judge(dead_worker(tasks=(RAN,)))
    assert [fix.risk for fix in found.fix] == ["safe", "repeats-work"]


def test_a_named_container_is_named_in_the_commands() -> None:
    (found,) = worker_oom_killed.judge(dead_worker(container(finished=NOW - 4), depth=20))
    assert found.fix[0].command.endswith("&& docker start worker")
    assert found.subject.container == "worker"


def test_rules_on_depth_consumers_and_age_page_when_their_time_has_come() -> None:
    lone = view(workers=(worker(heard=NOW - 1500),), evidence=(process(),))
    climbing = queue(*range(0, 1800, 20), every=20, consumers=())
    aged = replace(climbing, samples=(*climbing.samples[:-1], replace(climbing.latest, oldest_since=NOW - 1700)))
    depth, consumers, age = paging(lone, aged, NOW - 1700)
    assert depth.at == pytest.approx(NOW - 1780 + 100 / 20 * 20 + 1200, abs=21)
    assert consumers.at == NOW - 1640 and age.at == NOW - 1400


def test_rules_that_would_not_have_paged_yet_say_so() -> None:
    rows = paging(view(), queue(5, 20, consumers=()), NOW - 30)
    assert [row.at for row in rows] == [None, None, None]


def test_depth_before_the_first_look_is_taken_to_have_grown_evenly() -> None:
    kept = queue(*([2000] * 30), every=30, consumers=())
    depth, _, _ = paging(view(), kept, NOW - 3600)
    first = kept.samples[0].at
    assert depth.at == pytest.approx(NOW - 3600 + (first - (NOW - 3600)) * 100 / 2000 + 1200)
