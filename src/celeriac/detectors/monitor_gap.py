"""monitor-gap: the history has a hole, with its size and its worker.

What a recorder inside the process ships is numbered, so its holes are exact; of Celery's own events the heartbeats
count the starts.
"""

from __future__ import annotations

from celeriac.detectors import prose
from celeriac.detectors.base import Detector
from celeriac.model.event import RECORDED
from celeriac.model.finding import Fact, Finding, Fix, Impact, Prevent, Subject, Verify, finding_key
from celeriac.model.gap import Gap
from celeriac.model.view import View

KIND = "monitor-gap"
STANDS = 900.0
FACTS = 5
_WORDS = {
    "monitor-down": "Celeriac was not running",
    "reconnect": "the connection to the broker was lost and made again",
    "buffer-full": "its buffer was full while the broker did not take them",
    "trimmed": "they left the broker before they were read: full, too old, or taken by another server",
    "killed": "the process was killed before it could hand them over",
}
_NOTHING_TO_MEND = "nothing to mend: tasks of that time may be missing from lists and counts"
_SERVE = Prevent("celeriac serve", "kept running", "what nobody reads is not kept for ever: events not at all")
_PREVENT = {
    "buffer-full": (
        Prevent("celeriac_buffer_max", "larger", "more events wait in the process while the broker is away"),
    ),
    "killed": (Prevent("stopping workers with SIGTERM", "always", "a worker that may say goodbye ships what is left"),),
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
        fix=(Fix("celeriac status", _NOTHING_TO_MEND),),
        verify=(Verify(f"celeriac diagnose --only {KIND}", "no new hole"),),
        prevent=_PREVENT.get(cause, (_SERVE,)),
    )


def _size(gaps: list[Gap]) -> str:
    sizes = [gap.size for gap in gaps]
    known = sum(size for size in sizes if size is not None)
    noun = "event" if any(gap.source == RECORDED for gap in gaps) else "task start"
    if None not in sizes:
        return prose.count(known, noun)
    return f"at least {prose.count(known, noun)}" if known else f"an unknown number of {noun}s"


def _fact(gap: Gap) -> Fact:
    size = "an unknown number" if gap.size is None else prose.number(gap.size)
    said = "its record skips {} numbers" if gap.source == RECORDED else "heartbeats count {} more starts than came"
    words = f"{gap.worker} (pid {gap.pid}): {said.format(size)}"
    return Fact(gap.until, "ledger", words, "celeriac status")


DETECTOR = Detector(KIND, judge, needs=frozenset({"events"}))
