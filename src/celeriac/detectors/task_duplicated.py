"""task-duplicated: one message runs twice, or ran twice."""

from __future__ import annotations

from collections import Counter
from math import ceil

from celeriac.detectors import prose
from celeriac.detectors.base import Detector
from celeriac.detectors.doubles import Double, doubles, taken_at
from celeriac.detectors.fates import visibility_timeout
from celeriac.detectors.memory import fact
from celeriac.model.attempt import Attempt
from celeriac.model.finding import Fact, Finding, Fix, Impact, Prevent, Subject, Verify, finding_key
from celeriac.model.incident import Patience
from celeriac.model.view import View

KIND = "task-duplicated"
SHOWN = 3
ROOM = 1.5
"""How many times the longest stay seen fits into the visibility timeout that is advised."""
_MINUTE = 60.0


def judge(view: View) -> tuple[Finding, ...]:
    """One finding for each task name."""
    found: dict[str, list[Double]] = {}
    for one in sorted(doubles(view), key=lambda one: (not one.now, -taken_at(one.again), one.task.id)):
        found.setdefault(one.task.name or "a task", []).append(one)
    return tuple(_finding(view, name, same) for name, same in found.items())


def _finding(view: View, name: str, found: list[Double]) -> Finding:
    cause = Counter(one.cause for one in found).most_common(1)[0][0]
    shown = [one for one in found if one.cause == cause]
    ids = tuple(one.task.id for one in found)
    only = found[0].task.id if len(found) == 1 else None
    return Finding(
        kind=KIND,
        key=finding_key(KIND, name),
        severity="warning",
        confidence=shown[0].confidence,
        subject=Subject(worker=shown[0].again.worker, task_name=name, task_id=only),
        summary=_summary(view, name, found, shown[0]),
        since=min(one.again.started_at or view.at for one in found),
        cause=cause,
        evidence=(*(fact for one in shown[:SHOWN] for fact in _runs(one)), *_config(view, shown[0])),
        impact=Impact(running_twice=ids, task_names=((name, len(ids)),)),
        fix=_fix(found),
        verify=(
            Verify(f"celeriac task {ids[0]}", "each run with its end"),
            Verify(f"celeriac diagnose --only {KIND}", "no finding, exit code 0"),
        ),
        prevent=_prevent(view, cause, shown),
    )


def _summary(view: View, name: str, found: list[Double], one: Double) -> str:
    now = sum(pair.now for pair in found)
    if len(found) == 1:
        words = f"{name} {'is running' if now else 'ran'} twice under one id"
    elif now == len(found):
        words = f"{prose.count(now, 'task')} of {name} are running twice"
    else:
        words = f"{prose.count(len(found), 'task')} of {name} ran twice" + (
            f", {now} of them still running" if now else ""
        )
    return f"{words}: {_why(view, one)}"


def _why(view: View, one: Double) -> str:
    gap, timeout = prose.span(max(0.0, one.gap)), prose.span(visibility_timeout(view)[0])
    waited = "its ETA lies beyond" if one.task.eta else "it was not acknowledged within"
    return {
        "visibility-timeout": f"{waited} the visibility timeout of {timeout}, and it was delivered again after {gap}",
        "connection-blip": f"its worker lost the connection and gave it back, and it was delivered again after {gap}",
        "retry-overlap": "a retry began while the run before it was going on",
        "rescued": f"it was put back into its queue, and its first run went on; delivered again after {gap}",
        "published-twice": "it was published twice with the same id",
    }.get(one.cause, f"it was delivered again after {gap}, and nothing that can be seen says why")


def _runs(one: Double) -> tuple[Fact, ...]:
    """Both side by side, and what the first worker said of it."""
    log = () if one.log is None else (fact(one.log),)
    return (_run(one, one.first), *log, _run(one, one.again))


def _run(one: Double, run: Attempt) -> Fact:
    child = "" if run.child is None else f", child {run.child}"
    where = f"{run.worker or 'a worker'} (pid {run.pid or 'unknown'}{child})"
    began = run.started_at or taken_at(run)
    end = f"{run.state.value} {prose.instant(run.ended_at)}" if run.ended_at is not None else "no end yet"
    verb = "taken" if run.started_at is None else "started"
    words = f"{one.task.id}, delivery {run.number} ({run.delivery}): {verb} {prose.instant(began)} on {where}, {end}"
    return Fact(began, "event", words, f"celeriac task {one.task.id}")


def _config(view: View, one: Double) -> tuple[Fact, ...]:
    if one.cause != "visibility-timeout":
        return ()
    seconds, said = visibility_timeout(view)
    origin = "as a worker said" if said else "assumed: kombu's default, no worker said otherwise"
    words = f"visibility timeout {prose.span(seconds)} ({origin}); the shortest on one database counts for all"
    return (Fact(view.at, "config", words, "celery -A PROJ inspect conf"),)


def _fix(found: list[Double]) -> tuple[Fix, ...]:
    """What runs twice now can be ended; what did its work twice is for a person to undo."""
    now = [one for one in found if one.now]
    look = Fix(f"celeriac task {found[0].task.id}", "both runs side by side: see what was done twice")
    if not now:
        return (look,)
    why = "ends both runs: only where neither may finish; nothing ends one alone"
    return (look, Fix(f"celery -A PROJ control terminate KILL {now[0].task.id}", why, "loses-work"))


def _prevent(view: View, cause: str, found: list[Double]) -> tuple[Prevent, ...]:
    if cause == "published-twice":
        return (Prevent("task_id", "a new one for each publish", "one id is one task, for workers and for results"),)
    if cause == "connection-blip":
        return (_CANCEL, _IDEMPOTENT)
    if cause == "rescued":
        return (_IDEMPOTENT,)
    if cause == "retry-overlap":
        return (_KEEPALIVE, Prevent("Task.retry", "raise self.retry(…)", "a run that goes on after it runs beside it"))
    if cause == "unknown":
        return (_IDEMPOTENT,)
    return (_KEEPALIVE, _timeout(view, found))


def _timeout(view: View, found: list[Double]) -> Prevent:
    """Longer than the longest stay seen, from a delivery to its end; one that goes on will be longer still."""
    runs = [run for one in found for run in (one.first, one.again)]
    longest = max((run.ended_at or view.at) - taken_at(run) for run in runs)
    seconds = ceil(max(longest * ROOM, visibility_timeout(view)[0] * 2) / _MINUTE) * _MINUTE
    return Prevent(
        "broker_transport_options['visibility_timeout']",
        f"{seconds:.0f}",
        f"the longest stay seen, from delivery to end, is {prose.span(longest)}; set it in every app on this database",
    )


_KEEPALIVE = Prevent(
    "celeriac_keepalive", "True", "what a recorded worker really works on is not given to another, however long it runs"
)
_CANCEL = Prevent(
    "worker_cancel_long_running_tasks_on_connection_loss",
    "True",
    "late-ack tasks are ended with the connection, so that only the new delivery runs",
)
_IDEMPOTENT = Prevent("the task", "bears running twice", "a message broker delivers at least once")

DETECTOR = Detector(KIND, judge, needs=frozenset({"events"}), patience=Patience(keep_open=60.0))
