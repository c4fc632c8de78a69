"""How far figures may be believed: never live while something fails, never idle without proof."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celeriac.api.freshness import GAP_SHOWN, IDLE_AFTER, LOST_AFTER, Freshness, Traffic, judge
from celeriac.model.gap import Gap
from celeriac.model.source import SILENT_AFTER, SourceMark

NOW = 10_000.0
BUSY = Traffic(newest=NOW - 1, active=1, ready=0)
RESTING = Traffic(newest=NOW - IDLE_AFTER - 1, active=0, ready=0)


def sources(*ages: float, error: str | None = None) -> tuple[SourceMark, ...]:
    read = tuple(SourceMark(f"source-{index}", NOW - age) for index, age in enumerate(ages))
    return (*read, SourceMark("broken", NOW, error, "down", NOW)) if error else read


def judged(marks: tuple[SourceMark, ...], traffic: Traffic = BUSY, gaps: tuple[Gap, ...] = ()) -> Freshness:
    watermark = min((mark.mark for mark in marks), default=0.0)
    return judge(marks, watermark, gaps, traffic, NOW)


def gap(found_at: float, size: int | None) -> Gap:
    return Gap("gap", "events", "celery@a", 1, found_at - 3, found_at - 1, size, "reconnect", found_at)


def test_every_source_read_and_work_moving_is_live() -> None:
    assert judged(sources(0.5, 1)).state == "live"


def test_a_failing_source_is_stale_and_named_though_all_else_is_read() -> None:
    found = judged(sources(0.5, error="connection refused"))
    assert (found.state, found.because) == ("stale", "broken cannot be read: connection refused")


def test_one_silent_source_is_named_while_the_others_live() -> None:
    assert judged(sources(0.5, SILENT_AFTER + 3)).because == "source-1 has been silent for 8 s"


def test_nobody_is_named_when_none_was_read_lately_though_one_was_read_last() -> None:
    found = judged(sources(SILENT_AFTER - 0.5, SILENT_AFTER + 0.5))
    assert found.because == "Collector behind: newest data is 6 s old"


def test_all_sources_old_means_that_the_collector_is_behind() -> None:
    found = judged(sources(12, 12))
    assert (found.state, found.because, found.age) == ("stale", "Collector behind: newest data is 12 s old", 12)


def test_a_watermark_that_lags_behind_read_sources_is_stale() -> None:
    assert judge(sources(0.1), NOW - 9, (), BUSY, NOW).because == "Collector behind: newest data is 9 s old"


def test_long_silence_is_lost_with_the_last_error() -> None:
    old = (SourceMark("broker", NOW - LOST_AFTER - 5, "timed out", "network", NOW - 40),)
    found = judged(old)
    assert (found.state, found.because) == ("lost", "Nothing has been read for 35 s; broker: timed out")


@pytest.mark.parametrize("marks", [(), (SourceMark("broker", 0.0, "connection refused", "down", NOW),)])
def test_nothing_ever_read_is_lost_without_a_time(marks: tuple[SourceMark, ...]) -> None:
    found = judged(marks)
    assert (found.state, found.as_of, found.age) == ("lost", None, None)


def test_rest_that_was_seen_is_idle() -> None:
    assert judged(sources(1), RESTING).state == "idle"


@pytest.mark.parametrize(
    "traffic",
    [
        Traffic(None, None, 0),
        Traffic(None, 0, None),
        Traffic(None, 1, 0),
        Traffic(None, 0, 3),
        Traffic(NOW - IDLE_AFTER + 1, 0, 0),
    ],
)
def test_rest_without_proof_is_not_idle(traffic: Traffic) -> None:
    assert judged(sources(1), traffic).state == "live"


def test_a_recent_hole_shows_with_its_size_and_an_old_one_does_not() -> None:
    assert judged(sources(1), gaps=(gap(NOW - 5, 12),)).because.endswith("12 task starts missing")
    assert "not known" in judged(sources(1), gaps=(gap(NOW - 5, 12), gap(NOW - 4, None))).because
    assert judged(sources(1), gaps=(gap(NOW - GAP_SHOWN - 1, 12),)).state == "live"


@given(
    ages=st.lists(st.floats(0, 100), min_size=1, max_size=4),
    error=st.sampled_from([None, "refused"]),
    active=st.sampled_from([None, 0, 1]),
    ready=st.sampled_from([None, 0, 5]),
    newest=st.sampled_from([None, 1.0, 100.0]),
)
def test_no_figures_are_called_present_while_a_source_is_failing_or_silent(
    ages: list[float], error: str | None, active: int | None, ready: int | None, newest: float | None
) -> None:
    marks = sources(*ages, error=error)
    found = judged(marks, Traffic(None if newest is None else NOW - newest, active, ready))
    if error or any(not mark.live(NOW) for mark in marks):
        assert found.stale
    if found.state == "idle":
        assert (active, ready) == (0, 0)
