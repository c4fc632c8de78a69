"""What the monitor says of its own sight: broker, events, gaps, staleness; and of children killed for memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from celeriac.detectors import (
    BUILTIN,
    broker_unreachable,
    events_disabled,
    monitor_gap,
    monitor_stale,
    with_plugins,
    worker_oom_killed,
)
from celeriac.detectors.reading import once_per_view
from celeriac.errors import ConfigError
from celeriac.model.gap import Gap
from celeriac.model.source import SourceMark
from celeriac.model.task import Ending
from celeriac.model.view import View
from lab.views import NODE, NOW, PID, counted, evidence, kernel_kill, process, sources, task, view, worker


def failing(name: str, cause: str | None = "down") -> SourceMark:
    return SourceMark(name, NOW - 3, "refused", cause, NOW - 3)


@pytest.mark.parametrize("cause", ["down", "auth", "network", "too-many-clients"])
def test_a_failing_broker_is_told_with_its_cause(cause: str) -> None:
    marks = (failing("broker", cause), failing("events", cause))
    (found,) = broker_unreachable.judge(view(broker=None, sources=marks))
    assert found.cause == cause and found.severity == "critical" and found.since == NOW - 3


def test_a_server_says_it_after_two_seconds_though_the_watermark_stands_and_a_look_at_once() -> None:
    marks = (failing("broker"), failing("events"), *sources("process"))
    begun = replace(view(broker=None, sources=marks), at=NOW - 4)
    assert [len(broker_unreachable.judge(replace(begun, server_age=age))) for age in (0.5, None)] == [1, 1]
    young = tuple(replace(one, failing_since=NOW - 1) if one.error else one for one in marks)
    fresh = replace(begun, sources=young)
    assert [len(broker_unreachable.judge(replace(fresh, server_age=age))) for age in (0.5, None)] == [0, 1]


def test_a_cause_nobody_named_is_unknown_in_the_servers_words() -> None:
    (found,) = broker_unreachable.judge(view(sources=(*sources("broker"), failing("events", None))))
    assert found.cause == "unknown" and found.summary == "the broker cannot give its events: refused"


def test_workers_heard_through_the_broker_clear_it() -> None:
    (found,) = broker_unreachable.judge(view(sources=(failing("broker"), *sources("events"))))
    assert [one.what for one in found.ruled_out] == ["the broker itself"]


def mute(**changes: Any) -> int:
    return len(events_disabled.judge(view(workers=(worker(task_event_seen=None, **changes),))))


def test_work_without_a_task_event_means_events_are_off() -> None:
    assert mute(first_figures=(NOW - 500, 20)) == 1


def test_a_worker_born_here_that_worked_unheard_is_mute_too() -> None:
    assert mute(first_figures=(NOW - 2, 120), online_at=NOW - 60) == 1


def test_an_idle_worker_is_not_called_mute() -> None:
    assert mute(first_figures=(NOW - 500, 120), online_at=None) == 0
    assert events_disabled.judge(view()) == ()


def gap(size: int | None, at: float = NOW - 60, cause: str = "reconnect") -> Gap:
    return Gap(f"g{at}", "events", NODE, PID, at - 5, at, size, cause, at + 2)


def test_a_gap_is_told_with_its_size_and_worker() -> None:
    (found,) = monitor_gap.judge(view(gaps=(gap(14), gap(5, NOW - 30))))
    assert found.summary.startswith("19 task starts of celery@web-1 missing") and found.severity == "info"


def test_a_gap_of_unknown_size_is_graver() -> None:
    (found,) = monitor_gap.judge(view(gaps=(gap(None),)))
    assert found.severity == "warning" and "unknown number" in found.summary


def test_each_cause_is_a_gap_of_its_own_and_old_ones_are_past() -> None:
    found = monitor_gap.judge(view(gaps=(gap(1), gap(2, cause="monitor-down"), gap(3, NOW - 1000))))
    assert sorted(one.cause for one in found) == ["monitor-down", "reconnect"]


def test_staleness_is_told_for_what_must_be_read() -> None:
    assert monitor_stale.judge(view()) == ()
    assert len(monitor_stale.judge(view(server_age=6.0))) == 1
    assert len(monitor_stale.judge(view(sources=(*sources("broker"), SourceMark("events", NOW - 9))))) == 1


def test_a_source_that_is_configured_no_more_is_not_stale() -> None:
    assert monitor_stale.judge(view(sources=(*sources(), SourceMark("plugin", NOW - 9000)))) == ()


def test_a_failing_broker_is_not_also_stale() -> None:
    stopped = replace(failing("broker"), mark=NOW - 60)
    assert monitor_stale.judge(view(sources=(stopped, *sources("events")))) == ()


def child(*facts: Any, **changes: Any) -> list[tuple[str, str]]:
    seen = view(evidence=(process(children=[5001]), *facts), **changes)
    return [(one.cause, one.confidence) for one in worker_oom_killed.judge(seen)]


def test_a_kernel_line_about_a_child_is_certain() -> None:
    assert child(kernel_kill(5001, NOW - 9, cgroup="/elsewhere")) == [("child", "certain")]
    assert child(kernel_kill(5000, NOW - 9)) == [("child", "certain")]


def test_a_counter_needs_a_child_that_went_or_a_task_that_failed() -> None:
    assert child(counted(NOW - 9)) == []
    went = evidence("child-gone", "process", NOW - 8, pid=5000, parent=PID)
    assert child(counted(NOW - 9), went) == [("child", "likely")]
    killed = Ending(NOW - 5, "failed", "Worker exited prematurely: signal 9 (SIGKILL) Job: 1.")
    failed = task("t", (NOW - 20, "started"), (NOW - 5, "failed"), ending=killed)
    assert child(counted(NOW - 9), tasks=(failed,)) == [("child", "likely")]


def test_a_child_recycled_in_the_ordinary_way_is_calm() -> None:
    assert child(evidence("child-gone", "process", NOW - 8, pid=5000, parent=PID)) == []


def test_a_kill_from_before_this_life_or_long_ago_is_past() -> None:
    assert child(kernel_kill(5000, NOW - 301)) == []
    assert child(kernel_kill(5000, NOW - 90), workers=(worker(online_at=NOW - 60),)) == []


def test_a_host_wide_kill_of_a_child_is_the_hosts() -> None:
    assert child(kernel_kill(5001, NOW - 9, constraint="none")) == [("host", "certain")]


def test_a_reading_is_made_once_for_each_view() -> None:
    asked: list[View] = []

    def count(seen: View) -> int:
        asked.append(seen)
        return len(asked)

    reading = once_per_view(count)
    first, second = view(), view(observed=1.0)
    assert [reading(first), reading(first), reading(second), reading(second)] == [1, 1, 2, 2]


def test_plugins_join_the_built_in_kinds_and_strangers_are_refused() -> None:
    extra = replace(BUILTIN[0], kind="my-kind")
    assert with_plugins([extra])[-1] is extra
    with pytest.raises(ConfigError, match="is no Detector"):
        with_plugins([object()])


def test_a_childs_kill_is_told_once_its_main_has_had_time_to_follow() -> None:
    assert child(kernel_kill(5001, at=NOW - 1)) == []
    assert len(child(kernel_kill(5001, at=NOW - 2))) == 1


def recorded_gap(cause: str, size: int, node: str = NODE) -> Gap:
    return Gap(f"{cause}{node}", "record", node, PID, NOW - 40, NOW - 30, size, cause, NOW - 20)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("buffer-full", "its buffer was full while the broker did not take them"),
        ("trimmed", "they left the broker before they were read: full, too old, or taken by another server"),
        ("killed", "the process was killed before it could hand them over"),
    ],
)
def test_a_hole_in_the_record_is_told_in_events_with_why(cause: str, words: str) -> None:
    (found,) = monitor_gap.judge(view(gaps=(recorded_gap(cause, 1204),)))
    assert found.summary.startswith(f"1,204 events of {NODE} missing from the history, ")
    assert found.summary.endswith(words)
    assert "its record skips 1,204 numbers" in found.evidence[0].fact
    assert found.severity == "info"


def test_an_agent_that_falls_silent_is_told_for_a_while_and_one_that_was_stopped_is_not() -> None:
    def judged(seconds: float, error: str | None = None) -> int:
        agent = SourceMark("process@hostb", NOW - seconds, error)
        return len(monitor_stale.judge(view(sources=(*sources(), agent))))

    assert [judged(2), judged(60), judged(3600), judged(60, "its agent was stopped")] == [0, 1, 0, 0]


def test_the_record_is_not_told_to_be_silent_when_its_broker_is_away() -> None:
    away = (failing("broker"), failing("events"), *sources("process"))
    record = SourceMark("record", NOW - 60, "refused", None, NOW - 60)
    assert monitor_stale.judge(view(sources=(*away, record))) == ()
    assert len(monitor_stale.judge(view(sources=(*sources(), record)))) == 1
