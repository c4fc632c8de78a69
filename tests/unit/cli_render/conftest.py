"""A diagnosis as the seed's incident gives it, and a way to read what is printed."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console, RenderableType

from celeriac.clock import parse_rfc3339
from celeriac.model.diagnosis import Diagnosis, Healthy, finding_json
from celeriac.model.finding import (
    BlindSpot,
    Fact,
    Finding,
    Fix,
    Impact,
    Paging,
    Prevent,
    RuledOut,
    Subject,
    Verify,
)

NODE = "exports@web-1"
LOST = "7c9d3e51-22aa-4f0b-9c63-1f4e0ad1c001"
HELD = tuple(f"7c9d3e51-22aa-4f0b-9c63-1f4e0ad1d{number:03}" for number in range(4))


def at(time: str) -> float:
    """Unix seconds of a time on the day of the sample."""
    return parse_rfc3339(f"2026-11-21T{time}Z")


@pytest.fixture
def root() -> Finding:
    """A worker killed by its memory limit."""
    return Finding(
        kind="worker-oom-killed",
        key="root",
        cause="container",
        severity="critical",
        confidence="certain",
        subject=Subject(worker=NODE, host="web-1", pid=4121),
        summary=f"{NODE}'s main process was killed by the kernel: its memory limit of 192 MB was reached; "
        "1 task lost, 4 held until 11:02Z; nobody consumes celery, 1,487 waiting and growing 5/s",
        since=at("10:02:11"),
        evidence=tuple(
            Fact(at(f"10:02:1{number}"), source, fact, how)
            for number, (source, fact, how) in enumerate(
                (
                    ("event", "last heartbeat: 2 tasks active, 812 processed", "celery -A proj events --dump"),
                    ("kernel", "oom-kill in /exports: Killed process 4121 (celery), anon-rss 180 MB", "dmesg -T"),
                    ("cgroup", "oom_kill went from 0 to 1, limit 192 MB", "cat memory.events"),
                    ("process", "pid 4121 is gone", "ps -p 4121"),
                    ("broker", "1,487 messages wait in celery", "redis-cli LLEN celery"),
                )
            )
        ),
        ruled_out=(
            RuledOut("broker", "answers PING in 0.4 ms, role master, memory 3 %"),
            RuledOut("web side", "messages keep arriving: celery grew 5/s"),
        ),
        impact=Impact(
            lost=(LOST,), held=HELD, held_until=at("11:02:00"), waiting=1487, task_names=(("exports.csv", 1487),)
        ),
        fix=(
            Fix("docker update --memory 512m --memory-swap 512m worker && docker start worker", "it needs more memory"),
            Fix("celeriac rescue --worker exports@web-1 --dry-run", "puts the held tasks back", "repeats-work"),
        ),
        verify=(Verify("celeriac diagnose --only worker-oom-killed", "none"),),
        prevent=(Prevent("task_acks_late", "True", "a killed task is delivered again"),),
        paging=(
            Paging("queue depth", "celery > 100 for 20 min", None),
            Paging("consumers", "0 for 1 min", at("10:03:11")),
        ),
        blind_spots=(BlindSpot("docker", "no socket", "the container's exit code"),),
    )


@pytest.fixture
def unconsumed() -> Finding:
    """Its consequence."""
    return Finding(
        kind="queue-unconsumed",
        key="queue",
        cause="no-worker",
        severity="critical",
        confidence="certain",
        subject=Subject(queue="celery"),
        summary="nobody consumes celery: 1,487 waiting",
        since=at("10:02:26"),
        caused_by="root",
    )


@pytest.fixture
def problem(root: Finding, unconsumed: Finding) -> Diagnosis:
    """The diagnosis of both."""
    return Diagnosis(
        "problem",
        at("10:24:11"),
        7.0,
        findings=(root, unconsumed),
        healthy=(Healthy("broker", "answers"),),
        blind_spots=(BlindSpot("kernel log", "permission denied", "the cause of a SIGKILL"),),
    )


@pytest.fixture
def incident_json(root: Finding, unconsumed: Finding) -> dict[str, Any]:
    """The same as an incident of the API."""
    life = {
        "id": "inc-1",
        "state": "open",
        "opened_at": "2026-11-21T10:02:13.000000Z",
        "acknowledged_at": None,
        "resolved_at": None,
        "no_data": False,
        "as_of": "2026-11-21T10:24:11.000000Z",
        "stale": False,
        "findings": [finding_json(root), finding_json(unconsumed, caused_by="inc-1")],
        "log": [{"at": "2026-11-21T10:02:13.000000Z", "from": None, "to": "open", "summary": "killed"}],
    }
    return {**finding_json(root), **life}


@pytest.fixture
def read() -> Callable[[RenderableType], str]:
    """What stands in a pipe, 80 columns wide, when something is printed."""

    def plain(shown: RenderableType) -> str:
        out = Console(file=io.StringIO(), width=80, soft_wrap=True, highlight=False, markup=False, emoji=False)
        out.print(shown)
        text = out.file.getvalue()  # type: ignore[attr-defined]
        return "\n".join(line.rstrip() for line in text.splitlines())

    return plain
