"""When what happens in a demo."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celeriac.drills.timetable import SHORTEST, Act, timetable
from celeriac.errors import ConfigError


def test_two_minutes_are_health_a_fault_an_outage_and_a_recovery() -> None:
    assert [(cue.at, cue.act) for cue in timetable(120.0, faults=True)] == [
        (20.0, Act.HUGE_EXPORT),
        (55.0, Act.RESTART),
        (120.0, Act.CLOSE),
    ]


@given(st.floats(SHORTEST, 86400.0))
def test_every_length_leaves_time_to_see_the_outage_and_to_recover(total: float) -> None:
    fault, restart, close = timetable(total, faults=True)
    assert restart.at - fault.at >= 12.0
    assert close.at - restart.at >= 24.0
    assert close.at == total


def test_too_short_a_demo_is_refused_with_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"30 s is too short.*--for 45.*--no-faults"):
        timetable(30.0, faults=True)


def test_without_faults_any_length_will_do() -> None:
    assert [(cue.at, cue.act) for cue in timetable(5.0, faults=False)] == [(5.0, Act.CLOSE)]
