"""monitor-stale: what is shown is old, because something is not being read or written any more."""

from __future__ import annotations

from celeriac.detectors import prose
from celeriac.detectors.base import Detector
from celeriac.model.finding import Fact, Finding, Fix, Impact, Subject, Verify, finding_key
from celeriac.model.incident import Patience
from celeriac.model.source import SILENT_AFTER, SourceMark
from celeriac.model.view import View

KIND = "monitor-stale"
CORE = ("broker", "events")
"""Sources there always are; their failing is `broker-unreachable`, their silence without a failure is ours."""
FORGOTTEN = 900.0
"""Seconds for which a silent agent is told of: its host may be gone for good. One that was stopped is not silent."""


def judge(view: View) -> tuple[Finding, ...]:
    """One finding while a source that must be read is not, or the collector wrote nothing for 5 s."""
    silent = [mark for mark in view.sources if _is_silent(view, mark)]
    behind = view.server_age is not None and view.server_age > SILENT_AFTER
    return (_finding(view, silent, behind),) if silent or behind else ()


def _is_silent(view: View, mark: SourceMark) -> bool:
    if mark.live(view.at) or (mark.name == "record" and _is_failing(view, "broker")):
        return False
    if mark.remote:
        return mark.error is None and view.at - mark.mark <= FORGOTTEN
    return mark.error is None if mark.name in CORE else mark.error is not None


def _is_failing(view: View, name: str) -> bool:
    """True when that one cannot be read: then what came by the same way is not told a second time."""
    source = view.source(name)
    return source is not None and source.error is not None


def _finding(view: View, silent: list[SourceMark], behind: bool) -> Finding:
    newest = max((mark.mark for mark in view.sources), default=view.at)
    since = newest if behind else min(mark.mark for mark in silent)
    return Finding(
        kind=KIND,
        key=finding_key(KIND, "monitor"),
        severity="warning",
        confidence="certain",
        subject=Subject(),
        summary=_summary(view, silent, behind),
        since=since,
        cause="collector",
        evidence=tuple(_fact(view, mark) for mark in (silent or view.sources)[:5]),
        impact=Impact(lost=None, held=None, unknown=None),
        fix=(Fix("celeriac status", "names the loop that fails and why"),),
        verify=(Verify("celeriac status", "every source read less than 5 s ago"),),
    )


def _summary(view: View, silent: list[SourceMark], behind: bool) -> str:
    if behind:
        return f"nothing was recorded for {prose.span(view.server_age or 0.0)}: everything shown is at least that old"
    names = prose.names([mark.name for mark in silent])
    oldest = max(view.at - mark.mark for mark in silent)
    return f"{names} not read for {prose.span(oldest)}: what depends on it is old"


def _fact(view: View, mark: SourceMark) -> Fact:
    error = f": {mark.error}" if mark.error else ""
    words = f"{mark.name} last read {prose.span(view.at - mark.mark)} ago{error}"
    return Fact(mark.mark, "ledger", words, "celeriac status")


DETECTOR = Detector(KIND, judge, patience=Patience(hold=2.0, keep_open=5.0))
