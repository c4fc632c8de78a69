"""Celery's log lines as events and last words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from celeriac.evidence.log_lines import LogReader, Origin
from celeriac.model.event import Event
from celeriac.model.evidence import Evidence

AT = datetime(2026, 11, 21, 10, 2, 11, 432000, tzinfo=UTC).timestamp()
ORIGIN = Origin("vm", "docker logs w1", UTC, "w1@vm")


def line(text: str, process: str = "MainProcess") -> str:
    return f"[2026-11-21 10:02:11,432: INFO/{process}] {text}"


def read(*lines: str, origin: Origin = ORIGIN) -> tuple[Event | Evidence, ...]:
    return LogReader(origin).read(lines, AT + 60)


@pytest.mark.parametrize(
    ("text", "kind", "data"),
    [
        ("Task exports.csv[5e1f] received", "task-received", {}),
        ("Received task: exports.csv[5e1f]  ", "task-received", {}),
        ("Task exports.csv[5e1f] succeeded in 0.25s: None", "task-succeeded", {"runtime": 0.25, "result": "None"}),
        ("Task exports.csv[5e1f] succeeded in 2.1e-05s: [1]", "task-succeeded", {"runtime": 2.1e-05, "result": "[1]"}),
        (
            "Task exports.csv[5e1f] raised unexpected: ValueError('x')",
            "task-failed",
            {"exception": "ValueError('x')"},
        ),
        (
            "Task exports.csv[5e1f] retry: Retry in 3s: OSError('down')",
            "task-retried",
            {"exception": "Retry in 3s: OSError('down')"},
        ),
    ],
)
def test_a_task_line_is_an_event(text: str, kind: str, data: dict[str, object]) -> None:
    (event,) = read(line(text, "ForkPoolWorker-2"))
    assert isinstance(event, Event)
    assert (event.kind, event.at, event.seen, event.source) == (kind, AT, AT + 60, "log")
    assert (event.worker, event.pid, event.task_id) == ("w1@vm", 0, "5e1f")
    assert event.data == {"name": "exports.csv", **data}


def test_the_same_line_read_again_is_the_same_event() -> None:
    once, again = (read(line("Task a[1] received")) for _ in range(2))
    assert once[0].id == again[0].id
    assert read(line("Task a[2] received"))[0].id != once[0].id


def test_the_log_names_its_own_worker() -> None:
    found = read(line("w7@web ready."), line("Task a[1] received"), origin=Origin("vm", "cat log", UTC))
    assert [event.worker for event in found if isinstance(event, Event)] == ["w7@web"]


def test_times_are_those_of_the_logs_zone() -> None:
    east = Origin("vm", "cat log", timezone(timedelta(hours=2)), "w1@vm")
    (event,) = read(line("Task a[1] received"), origin=east)
    assert event.at == AT - 7200


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ("worker: Warm shutdown (MainProcess)", "warm-shutdown"),
        (
            line("Task a raised: WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 0.')"),
            "child-killed",
        ),
        (
            line("Unrecoverable error: OutOfMemoryError(\"OOM command not allowed when used memory > 'maxmemory'.\")"),
            "unrecoverable",
        ),
        ("redis.exceptions.ReadOnlyError: READONLY You can't write against a read only replica.", "broker-read-only"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "broker-out-of-memory"),
        ("MemoryError", "memory-error"),
        (line("Timed out waiting for UP message from <ForkProcess(ForkPoolWorker-3)>"), "up-timeout"),
        (
            "amqp.exceptions.PreconditionFailed: (0, 0): (406) PRECONDITION_FAILED - delivery acknowledgement",
            "precondition-failed",
        ),
    ],
)
def test_last_words_are_kept_with_their_signature_and_the_time_of_the_line_before(text: str, signature: str) -> None:
    words = [one for one in read(line("celery@x: ok"), text) if isinstance(one, Evidence)]
    assert [(one.data["signature"], one.at, one.what, one.nodes) for one in words] == [
        (signature, AT, "log-line", ("w1@vm",))
    ]


def test_words_before_any_time_are_dated_when_read() -> None:
    (words,) = read("MemoryError")
    assert words.at == AT + 60


def test_colours_are_no_part_of_the_words() -> None:
    (event,) = read(f"\x1b[32m{line('Task a[1] received')}\x1b[0m")
    assert event.at == AT


@pytest.mark.parametrize(
    "text",
    ["", "Task a[1] received", line("Task is done"), line("a[1]: Task b[2]"), line("Task a[1] ignored"), "[junk] x"],
)
def test_other_lines_are_nothing(text: str) -> None:
    assert read(text) == ()
