"""worker-memory-growing: a worker's memory heads for its limit, and when it gets there."""

from __future__ import annotations

from dataclasses import dataclass

from celeriac.detectors import prose, remedies
from celeriac.detectors.base import Detector
from celeriac.detectors.child_kills import child_kill
from celeriac.detectors.forecast import LONG_SPAN, Forecast, forecast, slope
from celeriac.detectors.liveness import Life, living
from celeriac.detectors.pool_memory import Peak, PoolMemory, pool_memory
from celeriac.detectors.traces import container_name
from celeriac.model.finding import Fact, Finding, Fix, Prevent, Severity, Subject, finding_key
from celeriac.model.incident import Patience
from celeriac.model.view import View

KIND = "worker-memory-growing"
SOON = 3600.0
"""Seconds to the limit under which somebody should act."""
NEAR = 0.9
"""Share of the limit that the pool would have used with one more such run beside it."""
SPIKE_STANDS = 300.0
"""Seconds for which a run that came so near is told."""
UNSHARED = 0.3
"""Share of the group's pace under which its processes themselves do not grow."""
LEAST_TASKS = 10
"""Tasks over which a rise is called a leak of theirs."""


@dataclass(frozen=True, slots=True)
class Growth:
    """`cause` is a `worker-memory-growing` cause slug; `ahead` is None for a spike, which comes when it comes."""

    cause: str
    words: str
    severity: Severity
    since: float
    ahead: Forecast | None = None
    peak: Peak | None = None


def judge(view: View) -> tuple[Finding, ...]:
    """Workers with a known limit whose trend, or whose largest task, reaches it."""
    found = ((life, pool_memory(view, life)) for life in living(view))
    grown = ((life, pool, _growth(view, life, pool)) for life, pool in found if pool is not None)
    return tuple(_finding(life, pool, one) for life, pool, one in grown if one is not None)


def _growth(view: View, life: Life, pool: PoolMemory) -> Growth | None:
    """The growth that stands; a steady trend before a spike, since it only gets worse. After a kill for memory the
    largest run is the one that was killed, and that is told."""
    if pool.limit is None:
        return None
    steady = _steady(pool, pool.limit)
    return steady if steady or child_kill(view, life) else _spike(view, pool, pool.limit)


def _steady(pool: PoolMemory, limit: float) -> Growth | None:
    ahead = forecast(pool.course, pool.course_now, limit)
    if ahead is None:
        return None
    tasks = pool.trend[-1].ended - pool.trend[0].ended
    cause = "copy-on-write" if _unshares(pool, ahead) else "leak"
    if cause == "leak" and tasks < LEAST_TASKS:
        return None  # one run that grows is no trend: it ends, and what it reached is its name's peak
    each = f", {prose.size(ahead.rise / tasks)} a task" if cause == "leak" else ""
    words = (
        f"grows {prose.size(ahead.rate * 60)} a minute{each}, for {prose.span(ahead.span)} now: "
        f"at this pace it reaches its {prose.size(limit)} in {prose.span(ahead.seconds)}"
    )
    proven = ahead.span >= LONG_SPAN  # a burst, or a worker that warms up, looks like a leak for less than that
    return Growth(cause, words, "warning" if proven and ahead.seconds <= SOON else "info", pool.trend[0].at, ahead)


def _unshares(pool: PoolMemory, ahead: Forecast) -> bool:
    """What children share with the main since the fork becomes their own, page by page, whatever they run: the group
    uses more while no process gets larger, for a process's size has counted shared pages all along."""
    if pool.trend[0].usage is None:
        return False
    return slope([(one.at, one.total) for one in pool.trend]) < UNSHARED * ahead.rate


def _spike(view: View, pool: PoolMemory, limit: float) -> Growth | None:
    peak = next((one for one in pool.peaks if view.at - one.at <= SPIKE_STANDS), None)
    if peak is None or pool.trend == ():
        return None
    others = max(0.0, pool.course_now - max(pool.children, default=0.0))
    reached = others + peak.most
    if reached < NEAR * limit:
        return None
    words = (
        f"nearly reached its {prose.size(limit)} in one run of {peak.name}: {prose.size(peak.most)} beside "
        f"{prose.size(others)} of others (half of {prose.count(peak.runs, 'run')} stay under {prose.size(peak.median)})"
    )
    return Growth("spike", words, "warning", peak.at, peak=peak)


def _finding(life: Life, pool: PoolMemory, one: Growth) -> Finding:
    node = life.worker.node
    return Finding(
        kind=KIND,
        key=finding_key("worker-memory", node),
        severity=one.severity,
        confidence="likely",
        subject=Subject(
            worker=node,
            host=life.worker.host,
            pid=life.worker.pid,
            container=container_name(life.trace),
            task_name=one.peak.name if one.peak else None,
        ),
        summary=f"{node} {one.words}",
        since=one.since,
        cause=one.cause,
        evidence=_evidence(pool, one),
        fix=_fix(pool, one),
        verify=remedies.verify(KIND, ()),
        prevent=_PREVENT[one.cause],
    )


def _evidence(pool: PoolMemory, one: Growth) -> tuple[Fact, ...]:
    told = pool.told
    found = [Fact(told.at, told.source, told.fact, told.how)]
    if one.ahead is not None:
        first, last = pool.trend[0], pool.trend[-1]
        tasks = prose.count(int(last.ended - first.ended), "task")
        words = f"its processes: {prose.size(first.total)} then, {prose.size(last.total)} {tasks} later"
        found.append(Fact(last.at, told.source, words, told.how))
    if pool.baseline is not None and pool.main is not None:
        words = f"a child just after fork: {prose.size(pool.baseline)}; the main process: {prose.size(pool.main)}"
        found.append(Fact(told.at, told.source, words, told.how))
    return tuple(sorted(found, key=lambda fact: fact.at))


def _fix(pool: PoolMemory, one: Growth) -> tuple[Fix, ...]:
    if one.cause == "spike":
        size = prose.size(remedies.more_memory(pool.limit))
        return (Fix(f"# raise the worker's memory limit to {size}", "the next such run fits"),)
    return (
        Fix("celery -A PROJ control pool_restart", "children start afresh (needs worker_pool_restarts = True)", "safe"),
    )


_PREVENT: dict[str, tuple[Prevent, ...]] = {
    "leak": (
        remedies.CHILD_MEMORY,
        Prevent("worker_max_tasks_per_child", "a few hundred", "a child is replaced before what it leaks adds up"),
    ),
    "spike": (
        Prevent("the task", "cut in pieces, or streamed", "its largest run decides how much memory the worker needs"),
        Prevent("a queue of its own", "with few slots and a high limit", "two such runs never meet"),
    ),
    "copy-on-write": (
        Prevent("gc.freeze() before the fork", "in worker_init", "the collector no longer touches every shared page"),
        Prevent("--concurrency", "limit / size of the main process", "each child ends up with a copy of its own"),
    ),
}

DETECTOR = Detector(KIND, judge, needs=frozenset({"events"}), patience=Patience(hold=5.0, keep_open=60.0))
