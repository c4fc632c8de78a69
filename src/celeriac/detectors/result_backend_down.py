"""result-backend-down: tasks run, and cannot say how they ended."""

from __future__ import annotations

from celeriac.detectors import prose
from celeriac.detectors.base import Detector
from celeriac.detectors.untold import silent_since, unsaved_in
from celeriac.model.evidence import Evidence
from celeriac.model.finding import Fact, Finding, Fix, Impact, Prevent, RuledOut, Subject, Verify, finding_key
from celeriac.model.incident import Patience
from celeriac.model.task import Task
from celeriac.model.view import View

KIND = "result-backend-down"
LASTS = 2.0
"""Seconds of failing after which it is told."""
STALE = 15.0
RECENT = 60.0
"""Seconds for which the failure of one task speaks where the backend itself is not read."""
FACTS = 4
_URL = "RESULT_BACKEND_URL"
_WORDS = {
    "unreachable": "cannot be reached",
    "full": "is full and refuses every write",
    "read-only": "refuses every write",
}
_FIX = {
    "unreachable": Fix(f"redis-cli -u {_URL} PING", "start it, or mend the way to it"),
    "full": Fix(
        f"redis-cli -u {_URL} INFO memory", "make room: raise maxmemory, lower result_expires, or evict by TTL"
    ),
    "read-only": Fix(f"redis-cli -u {_URL} INFO", "point workers at the primary; free the disk that saves fail on"),
}
_IN_A_DATABASE = {
    "unreachable": "start it, or mend the way to it",
    "read-only": "point workers at the primary",
}
_PREVENT = {
    "unreachable": (
        Prevent("result_backend_always_retry", "True", "a result is tried again, with backoff, instead of thrown away"),
        Prevent("task_ignore_result", "True", "a task whose result nobody reads needs no backend to end"),
    ),
    "full": (
        Prevent("result_expires", "3600", "results leave by themselves; the default keeps them for a day"),
        Prevent("maxmemory-policy", "volatile-ttl", "on a server of its own: the oldest results make room"),
    ),
}


def judge(view: View) -> tuple[Finding, ...]:
    """One finding while it fails, or while tasks of the last minute could not store their results."""
    level = _level(view)
    unsaved = unsaved_in(view)
    if level is not None:
        since = level.number("since")
        failing = level.text("cause")
        if failing is None or since is None or level.at - since < LASTS:
            return ()
        return (_finding(view, failing, since, level, unsaved),)
    late = tuple(task for task in unsaved if view.at - task.updated_at <= RECENT)
    return (_finding(view, _cause_of(late[0]), late[0].updated_at, None, late),) if late else ()


def _level(view: View) -> Evidence | None:
    """The newest look, while looks go on."""
    found = next((one for one in view.evidence if one.what == "result-backend"), None)
    if found is None or view.at - found.at > 3 * (found.number("interval") or 0.0) + STALE:
        return None
    return found


def _cause_of(task: Task) -> str:
    text = task.ending.text if task.ending else ""
    if "OOM command not allowed" in text or "used memory >" in text:
        return "full"
    return "read-only" if "READONLY" in text or "MISCONF" in text else "unreachable"


def _finding(view: View, cause: str, since: float, level: Evidence | None, unsaved: tuple[Task, ...]) -> Finding:
    silent = silent_since(view, since)
    lost = tuple(task.id for task in unsaved if task.updated_at >= since - LASTS)
    return Finding(
        kind=KIND,
        key=finding_key(KIND, "results"),
        severity="critical",
        confidence="certain" if level is not None else "likely",
        subject=Subject(broker=level.text("address") if level is not None else None),
        summary=_summary(cause, len(lost), len(silent)),
        since=since,
        cause=cause,
        evidence=(*_read(level), *(_said(task) for task in unsaved[:FACTS]), *(_mute(task) for task in silent[:FACTS])),
        ruled_out=_broker(view, level),
        impact=Impact(failed=lost, unknown=tuple(task.id for task in silent)),
        fix=(_fix(cause, level), *_again(lost)),
        verify=(*_ping(level), Verify(f"celeriac diagnose --only {KIND}", "no finding, exit code 0")),
        prevent=_PREVENT.get(cause, ()),
        caused_by=finding_key("broker", "broker") if _shares_fault(view, level) else None,
    )


def _summary(cause: str, lost: int, silent: int) -> str:
    told = f"the result backend {_WORDS[cause]}; tasks run and cannot say how they ended"
    count = lost + silent
    return f"{told}, {prose.count(count, 'task')} so far" if count else told


def _read(level: Evidence | None) -> tuple[Fact, ...]:
    return () if level is None else (Fact(level.at, "ledger", level.fact, level.how),)


def _said(task: Task) -> Fact:
    words = f"{task.name or 'a task'}[{task.id}] {task.ending.text if task.ending else ''}"
    return Fact(task.updated_at, "worker", words, f"celeriac task {task.id}")


def _mute(task: Task) -> Fact:
    words = f"{task.name or 'a task'}[{task.id}] was started, its worker no longer has it, and no end was heard"
    return Fact(task.updated_at, "event", words, "celery -A PROJ inspect active")


def _is_redis(level: Evidence | None) -> bool:
    return level is None or (level.text("address") or "").startswith("redis")


def _fix(cause: str, level: Evidence | None) -> Fix:
    if level is None or _is_redis(level):
        return _FIX[cause]
    return Fix(level.how, _IN_A_DATABASE[cause])


def _ping(level: Evidence | None) -> tuple[Verify, ...]:
    return (Verify(f"redis-cli -u {_URL} PING", "PONG"),) if _is_redis(level) else ()


def _again(lost: tuple[str, ...]) -> tuple[Fix, ...]:
    if not lost:
        return ()
    why = "they ran: look at what each has done before you send it again"
    return (Fix(f"celeriac task {lost[0]}", why, "repeats-work"),)


def _broker(view: View, level: Evidence | None) -> tuple[RuledOut, ...]:
    look = view.broker
    if look is None or _shares_fault(view, level):
        return ()
    return (RuledOut("the broker", f"answers in {look.latency * 1000:.1f} ms"),) if look.latency is not None else ()


def _shares_fault(view: View, level: Evidence | None) -> bool:
    """True when the broker cannot be read, and is the same server."""
    if not _is_redis(level):  # a database on the broker's host is another server
        return False
    broker = view.source("broker")
    address = (level.text("address") or "") if level is not None else ""
    place = address.partition("://")[2].rpartition("/")[0]
    return bool(broker is not None and broker.error is not None and place and place in broker.error)


DETECTOR = Detector(KIND, judge, patience=Patience(keep_open=5.0))
