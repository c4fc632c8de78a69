"""Each death is classified once, and from evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from celeriac.detectors.deaths import deaths
from celeriac.model.evidence import Evidence
from celeriac.model.queue import Queue
from celeriac.model.source import SourceMark
from lab.views import (
    GROUP,
    NODE,
    NOW,
    PID,
    container,
    counted,
    dead_worker,
    evidence,
    gone,
    held,
    kernel_kill,
    look,
    process,
    queue,
    sources,
    task,
    view,
    worker,
)


def told(*more: Evidence, **changes: Any) -> str:
    """Cause of the one death that stands: `memory: …` or the worker-lost cause; "" when none does."""
    found = deaths(dead_worker(*more, **changes))
    if not found:
        return ""
    death = found[0]
    return f"memory: {death.kill.cause}" if death.kill else str(death.cause and death.cause.slug)


def test_the_kernels_line_about_the_main_process_is_memory() -> None:
    assert told(kernel_kill()) == "memory: container"
    assert told(kernel_kill(constraint="none")) == "memory: host"


def test_a_line_about_another_pid_of_the_group_clears_memory() -> None:
    assert told(kernel_kill(PID + 5), counted()) == "sigkill"


def test_a_kill_long_before_the_end_is_not_this_end() -> None:
    assert told(kernel_kill(at=NOW - 60), counted(NOW - 60)) == "sigkill"


def test_a_group_kill_is_memory_whoever_was_named() -> None:
    assert told(kernel_kill(PID + 5), counted(group_kills=4, group_added=1)) == "memory: container"


def test_an_ended_container_is_joined_to_the_kernels_line_by_its_group() -> None:
    box = container(finished=NOW - 4)
    (death,) = deaths(dead_worker(workers=(), evidence=(kernel_kill(PID + 5, at=NOW - 4.1), box)))
    assert death.kill is not None and death.kill.confidence == "certain"
    assert {one.source for one in death.kill.facts} == {"docker", "kernel"}


def test_an_old_group_kill_is_not_this_one() -> None:
    assert told(kernel_kill(PID + 5), counted(group_kills=3, group_added=0)) == "sigkill"


def test_a_counter_of_another_group_says_nothing() -> None:
    assert told(counted(path=GROUP + "0")) == "sigkill"


@pytest.mark.parametrize(
    ("exit_code", "oom_killed", "cause"),
    [(137, True, "memory: container"), (137, False, "sigkill"), (1, False, "exit"), (0, True, "sigkill")],
)
def test_docker_is_judged_by_flag_and_code_together(exit_code: int, oom_killed: bool, cause: str) -> None:
    assert told(container(finished=NOW - 4, exit_code=exit_code, oom_killed=oom_killed)) == cause


@pytest.mark.parametrize(("signal", "cause"), [(9, "sigkill"), (11, "exit")])
def test_the_signal_of_an_unreaped_process_is_its_cause(signal: int, cause: str) -> None:
    assert told(evidence=(gone(signal=signal),), sources=sources("events", "process")) == cause


def test_one_that_left_a_box_by_itself_was_killed_by_nobody() -> None:
    left = replace(gone(left=True, boot="b", last=7), id="box", source="worker")
    for ends in ((left,), (gone(), left)):
        (death,) = deaths(dead_worker(evidence=ends))
        assert death.cause is not None
        assert (death.cause.slug, death.cause.confidence) == ("unknown", "certain")


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("MemoryError", "memory-error"),
        ("OOM command not allowed when used memory > 'maxmemory'", "broker-refused"),
        ("READONLY You can't write against a read only replica", "broker-refused"),
        ("PRECONDITION_FAILED - delivery acknowledgement timed out", "broker-refused"),
        ("Unrecoverable error: ValueError()", "exit"),
        ("Worker exited prematurely: signal 9 (SIGKILL) Job: 3.", "sigkill"),
    ],
)
def test_the_last_words_in_the_log_name_the_cause(line: str, cause: str) -> None:
    assert told(evidence("log-line", "log", NOW - 5, nodes=(NODE,), line=line)) == cause


def test_last_words_of_another_worker_are_not_its_own() -> None:
    assert told(evidence("log-line", "log", NOW - 5, nodes=("celery@x",), line="MemoryError")) == "sigkill"


def test_only_memory_is_called_at_once_the_rest_waits_for_its_evidence() -> None:
    assert told(evidence=(gone(NOW - 1),)) == ""
    assert told(evidence=(gone(NOW - 1), kernel_kill(at=NOW - 1.1))) == "memory: container"
    assert told(evidence=(gone(NOW - 2),)) == "sigkill"


def test_killed_from_outside_is_concluded_only_where_memory_could_be_seen() -> None:
    assert told(sources=sources("events", "process")) == "unknown"


def test_a_goodbye_and_all_work_done_is_no_death() -> None:
    left = (worker(heard=NOW - 21, offline_at=NOW - 20),)
    assert told(workers=left) == ""
    started = task("t", (NOW - 30, "received"), (NOW - 29, "started"))
    assert told(workers=left, tasks=(started,)) == "grace-exceeded"
    received = task("t", (NOW - 30, "received"))
    assert told(workers=left, tasks=(received,)) == ""


def test_a_goodbye_with_a_failing_exit_code_is_a_death() -> None:
    left = (worker(heard=NOW - 6, offline_at=NOW - 5),)
    assert told(container(finished=NOW - 4, exit_code=1), workers=left) == "exit"
    assert told(container(finished=NOW - 4, exit_code=0), workers=left) == ""


def test_all_workers_of_a_host_silent_at_once_is_the_host() -> None:
    pair = (worker(heard=NOW - 7), worker(f"b@{NODE.partition('@')[2]}", 9, heard=NOW - 8))
    found = deaths(dead_worker(evidence=(), workers=pair, sources=sources("broker", "events")))
    assert [death.cause and death.cause.slug for death in found] == ["host-gone", "host-gone"]


def test_a_living_successor_ends_the_death() -> None:
    heir = worker(pid=4300, online_at=NOW - 1)
    back = (gone(), process(pid=4300, started=NOW - 3))
    assert told(evidence=back, workers=(worker(heard=NOW - 5), heir), broker=look(consumers=1)) == ""


def test_an_old_death_stands_only_while_its_queue_has_nobody() -> None:
    old: dict[str, Any] = {"evidence": (gone(NOW - 3600),), "workers": (worker(heard=NOW - 3601),)}
    assert told(**old) == "sigkill"
    helper = worker("celery@web-2", 77)
    assert told(**{**old, "workers": (*old["workers"], helper)}, broker=look(consumers=1)) == ""


def test_remains_of_an_unheard_worker_count_only_while_nobody_lives() -> None:
    waits = {"workers": (), "queues": (queue(5, 5, consumers=()),)}
    assert deaths(view(**{**waits, "evidence": (container(),), "broker": look()}))
    assert not deaths(view(evidence=(process(), container(id="f" * 12, container="f" * 12, nodes=("celery@x",)))))
    stopped = container(exit_code=0, oom_killed=False)
    assert not deaths(view(**{**waits, "evidence": (stopped,), "broker": look()}))


def test_a_lone_kernel_line_must_read_like_a_worker_and_find_work_waiting() -> None:
    bare: dict[str, Any] = {"workers": (), "server_age": None, "broker": look(), "queues": (queue(5, 5, consumers=()),)}
    assert deaths(view(**bare, evidence=(kernel_kill(at=NOW - 1300),)))
    assert not deaths(view(**bare, evidence=(kernel_kill(at=NOW - 1300, command="postgres"),)))
    assert not deaths(view(**bare, evidence=(kernel_kill(at=NOW - 1300, command="python3"),)))
    assert not deaths(view(**{**bare, "queues": (queue(0, 0, consumers=()),)}, evidence=(kernel_kill(at=NOW - 1300),)))


@pytest.mark.parametrize(("delivered", "told_of"), [(NOW - 1310, 1), (NOW - 1200, 0), (NOW - 9000, 0)])
def test_a_nameless_kernel_line_counts_when_deliveries_stopped_with_it(delivered: float, told_of: int) -> None:
    line = kernel_kill(at=NOW - 1300, command="python", cgroup="/lab")
    waits = (queue(5, 5, consumers=()),)
    seen = view(workers=(), server_age=None, evidence=(line,), broker=look(held("b", delivered)), queues=waits)
    found = deaths(seen)
    assert [death.confidence for death in found] == ["possible"] * told_of


@pytest.mark.parametrize(("peer", "told_of"), [("127.0.0.1:6379", 1), ("127.0.0.1:6380", 0)])
def test_an_unheard_process_counts_when_it_was_connected_to_this_broker(peer: str, told_of: int) -> None:
    end = gone(nodes=("celery@x",), peers=[peer], started=NOW - 8)
    bare: dict[str, Any] = {"workers": (), "queues": (queue(5, 5, consumers=()),)}
    assert len(deaths(view(**bare, evidence=(end,), broker=look(address="127.0.0.1:6379")))) == told_of


def test_a_process_that_was_long_unheard_works_on_another_database_of_this_server() -> None:
    bare: dict[str, Any] = {"workers": (), "queues": (queue(5, 5, consumers=()),)}
    bare["broker"] = look(address="127.0.0.1:6379")
    end = gone(nodes=("celery@x",), peers=["127.0.0.1:6379"])
    assert deaths(view(**bare, evidence=(end,))) == ()
    assert len(deaths(view(**bare, evidence=(end,), observed=7.0))) == 1, "too early to have been heard"


def test_a_lone_kernel_line_is_no_death_of_ours_while_somebody_is_connected_or_lives_in_its_group() -> None:
    bare: dict[str, Any] = {"workers": (), "server_age": None, "queues": (queue(5, 5, consumers=()),)}
    line = kernel_kill(at=NOW - 1300)
    assert deaths(view(**bare, broker=look(), evidence=(line,)))
    assert deaths(view(**{**bare, "server_age": 0.5}, broker=look(), evidence=(line,))) == (), (
        "a server would have heard"
    )
    assert deaths(view(**bare, broker=look(consumers=1), evidence=(line,))) == ()
    assert deaths(view(**bare, broker=look(), evidence=(line, process(pid=99, nodes=("celery@other",))))) == ()


def test_a_goodbye_with_work_running_and_gone_at_once_is_an_exit_not_a_planned_stop() -> None:
    left: dict[str, Any] = {"workers": (worker(heard=NOW - 6, offline_at=NOW - 4.9),)}
    started = task("t", (NOW - 30, "received"), (NOW - 29, "started"))
    assert told(**left, evidence=(gone(NOW - 4.5),), tasks=(started,)) == "exit"
    assert told(**left, evidence=(gone(NOW - 2.5),), tasks=(started,)) == "", "its last events may be on their way"


def test_without_a_broker_a_missing_goodbye_is_no_sign_of_a_kill() -> None:
    away = tuple(SourceMark(name, NOW - 6, "refused", "down", NOW - 5) for name in ("broker", "events"))
    rest = sources("process", "cgroup", "kernel")
    assert told(broker=None, sources=(*away, *rest)) == "unknown"
    assert told(sources=(*sources("broker", "events"), *rest)) == "sigkill"


def test_that_the_broker_was_away_is_still_seen_when_it_is_back() -> None:
    blind = [sample for sample in queue(*([0] * 30), consumers=()).samples if not NOW - 9 < sample.at < NOW - 1]
    assert told(queues=(Queue("celery", tuple(blind), ()),)) == "unknown"
