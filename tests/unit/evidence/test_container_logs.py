"""Whose clock wrote a container's log, and what its lines come to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from celeriac.evidence.container_logs import read_container, zone_of
from celeriac.evidence.docker import DockerSource
from celeriac.evidence.engine import LogLine
from celeriac.model.evidence import Evidence

AT = 1795235755.5  # 2026-11-21T04:35:55.5Z


def line(clock: str, at: float | None = AT) -> LogLine:
    return LogLine(at, f"[2026-11-21 {clock},432: INFO/MainProcess] Task a[1] received")


@pytest.mark.parametrize(
    ("clock", "hours"), [("04:35:55", 0.0), ("13:35:54", 9.0), ("10:05:55", 5.5), ("00:35:54", -4.0)]
)
def test_the_zone_is_how_far_the_clock_is_ahead_of_the_engines(clock: str, hours: float) -> None:
    zone = zone_of((line(clock), LogLine(AT, "a line of a traceback")))
    assert zone is not None and zone.utcoffset(None) == timedelta(hours=hours)


def test_without_a_dated_line_the_zone_is_not_known() -> None:
    assert zone_of((LogLine(AT, "Traceback"), line("04:35:55", at=None))) is None


def test_a_log_that_cannot_be_read_is_a_blind_spot_with_its_reason() -> None:
    box = Evidence("c", AT, "docker", "container", "vm", "seen", "docker ps", data={"id": "9c5f", "name": "worker"})
    told = read_container(DockerSource("vm", None), box, AT)
    assert (told.events, told.evidence) == ((), ())
    (spot,) = told.blind_spots
    assert spot.what == "log of container worker" and "no Docker or Podman socket" in spot.why
