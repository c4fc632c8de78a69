"""What Docker's words about a container come to."""

from __future__ import annotations

from typing import Any

import pytest

from celeriac.evidence.containers import died, level, parse_time

ID = "4f1a" * 16
ENDED_AT = 1795235755.716376


def inspected(**state: Any) -> dict[str, Any]:
    return {
        "Id": ID,
        "Name": "/worker-1",
        "Path": "celery",
        "Args": ["-A", "proj", "worker", "-n", "w1@%h"],
        "RestartCount": 2,
        "Config": {"Hostname": "4f1a4f1a4f1a"},
        "HostConfig": {"Memory": 100663296},
        "State": {
            "Status": "exited",
            "OOMKilled": True,
            "ExitCode": 137,
            "Pid": 0,
            "StartedAt": "2026-11-21T04:30:00Z",
            "FinishedAt": "2026-11-21T04:35:55.716376123Z",
            **state,
        },
    }


def test_a_container_killed_for_memory_ended_when_the_engine_says() -> None:
    end = died("vm", inspected(), ENDED_AT + 3.0, 4121)
    assert end is not None
    assert (end.at, end.pid, end.nodes, end.container) == (ENDED_AT, 4121, ("w1@4f1a4f1a4f1a",), ID[:12])
    assert end.fact == "container worker-1 ended with exit code 137, OOMKilled true, memory limit 96 MB"
    assert dict(end.data) | {
        "id": ID,
        "name": "worker-1",
        "status": "exited",
        "exit_code": 137,
        "oom_killed": True,
        "restarts": 2,
        "limit": 100663296,
        "worker": True,
    } == dict(end.data)


def test_the_flag_of_an_earlier_run_does_not_count_while_it_runs_again() -> None:
    again = inspected(Status="running", ExitCode=0, Pid=77)
    assert died("vm", again, ENDED_AT, 77) is None
    now = level("vm", again, ENDED_AT, 77)
    assert (now.data["oom_killed"], now.data["exit_code"], now.data["finished"]) == (False, None, None)
    assert now.fact == "container worker-1 is running, OOMKilled true (as its last run left it), memory limit 96 MB"


def test_a_running_container_says_what_the_engine_shows() -> None:
    now = level("vm", inspected(Status="running", ExitCode=0, Pid=77, OOMKilled=False), ENDED_AT, 77)
    assert now.fact == "container worker-1 is running, OOMKilled false, memory limit 96 MB"


def test_each_end_is_an_edge_of_its_own() -> None:
    first = died("vm", inspected(), ENDED_AT, None)
    again = died("vm", inspected(), ENDED_AT + 9, None)
    later = died("vm", inspected(FinishedAt="2026-11-21T05:00:00Z"), ENDED_AT + 9999, None)
    assert first is not None and again is not None and later is not None
    assert first.id == again.id
    assert first.id != later.id


def test_a_container_that_was_never_started_did_not_die() -> None:
    created = inspected(Status="created", ExitCode=0, OOMKilled=False, FinishedAt="0001-01-01T00:00:00Z")
    assert died("vm", created, ENDED_AT, None) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-21T04:35:55.716376123Z", ENDED_AT),
        ("2026-11-21T05:35:55.716376+01:00", ENDED_AT),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_engine_times_are_read_with_nanoseconds_and_zones(text: str | None, at: float | None) -> None:
    assert parse_time(text) == at
