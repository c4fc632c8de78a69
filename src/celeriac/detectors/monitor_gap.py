"""monitor-gap: the history has a hole, with its size and its worker."""

from __future__ import annotations

from celeriac.detectors import prose
from celeriac.detectors.base import Detector
from celeriac.model.finding import Fact, Finding, Fix, Impact, Prevent, Subject, Verify, finding_key
from celeriac.model.gap import Gap
from celeriac.model.view import View

KIND = "monitor-gap"
STANDS = 900.0
FACTS = 5
_WORDS = {
    "monitor-down": "Celeriac was not running",
    "reconnect": "the connection to the broker was lost and made again",
    "buffer-full": "a buffer was full",
    "trimmed": "the stream was trimmed before it was read",
}


def judge(view: View) -> tuple[Finding, ...]:
    """One finding for each cause among the holes found in the last minutes."""
    fresh = [gap for gap in view.gaps if view.at - gap.found_at < STANDS]
    causes = sorted({gap.cause for gap in fresh})
    return tuple(_finding(cause, [gap for gap in fresh if gap.cause == cause]) for cause in causes)


def _finding(cause: str, gaps: list[Gap]) -> Finding:
    workers = sorted({gap.worker for gap in gaps})
    start, end = min(gap.after for gap in gaps), max(gap.until for gap in gaps)
    return Finding(
        kind=KIND,
        key=finding_key(KIND, cause),
        severity="info" if all(gap.size is not None for gap in gaps) else "warning",
        confidence="certain",
        subject=Subject(worker=workers[0] if len(workers) == 1 else None),
        summary=f"{_size(gaps)} of {prose.names(workers)} missing from the history, {prose.instant(start)} "
        f"to {prose.instant(end)}: {_WORDS.get(cause, 'the reason is not known')}",
        since=min(gap.found_at for gap in gaps),
        cause=cause,
        evidence=tuple(_fact(gap) for gap in gaps[:FACTS]),
        impact=Impact(lost=None, unknown=None),
        fix=(Fix("celeriac status", "nothing to mend: tasks of that time may be missing from lists and counts"),),
        verify=(Verify(f"celeriac diagnose --only {KIND}", "no new hole"),),
        prevent=(Prevent("celeriac serve", "kept running", "native events are not stored by the broker for later"),),
    )


def _size(gaps: list[Gap]) -> str:
    sizes = [gap.size for gap in gaps]
    known = sum(size for size in sizes if size is not None)
    if None not in sizes:
        return prose.count(known, "task start")
    return f"at least {prose.count(known, 'task start')}" if known else "an unknown number of task starts"


def _fact(gap: Gap) -> Fact:
    size = "an unknown number" if gap.size is None else prose.number(gap.size)
    words = f"{gap.worker} (pid {gap.pid}): heartbeats count {size} more starts than came"
    return Fact(gap.until, "ledger", words, "celeriac status")


DETECTOR = Detector(KIND, judge, needs=frozenset({"events"}))
