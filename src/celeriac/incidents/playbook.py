"""Render a kind's playbook page with one finding's facts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from string import Template

from celeriac.clock import rfc3339
from celeriac.model.finding import Finding, Impact

_NOTHING = "- nothing\n"


def playbook(finding: Finding) -> str:
    """The page as Markdown; the bare facts for a kind (a plugin's) that brings no page."""
    return _template(finding.kind).safe_substitute(_facts(finding))


@cache
def _template(kind: str) -> Template:
    page = files("celeriac.incidents") / "playbooks" / f"{kind}.md"
    return Template(page.read_text(encoding="utf-8") if page.is_file() else _BARE)


_BARE = """# $kind

## What happened
$summary

## How we know
$evidence
## Fix by result
$fix
## Verify
$verify
## Prevent
$prevent"""


def _facts(finding: Finding) -> dict[str, str]:
    return {
        "kind": finding.kind,
        "cause": finding.cause,
        "confidence": finding.confidence,
        "summary": finding.summary,
        "since": rfc3339(finding.since),
        "worker": finding.subject.worker or "the worker",
        "queue": finding.subject.queue or "the queue",
        "pid": str(finding.subject.pid or "PID"),
        "evidence": _list(f"{rfc3339(one.at)} {one.source}: {one.fact} (`{one.how}`)" for one in finding.evidence),
        "ruled_out": _list(f"{one.what}: {one.why}" for one in finding.ruled_out),
        "impact": _list(_impact(finding.impact)),
        "fix": _list(f"`{one.command}` {one.why} ({one.risk.replace('-', ' ')})" for one in finding.fix),
        "verify": _list(f"`{one.command}` shows: {one.expect}" for one in finding.verify),
        "prevent": _list(f"{one.setting} = {one.value}: {one.why}" for one in finding.prevent),
        "blind_spots": _list(f"{one.what}: {one.why}; would add {one.would_add}" for one in finding.blind_spots),
    }


def _impact(impact: Impact) -> Iterable[str]:
    for name in ("lost", "failed", "held", "unknown"):
        ids: tuple[str, ...] | None = getattr(impact, name)
        if ids is None:
            yield f"{name}: could not be known"
        elif ids:
            more = f" and {len(ids) - 5:,} more" if len(ids) > 5 else ""
            yield f"{name}: {', '.join(ids[:5])}{more}"
    if impact.held_until is not None:
        yield f"held until {rfc3339(impact.held_until)}"
    if impact.waiting:
        yield f"waiting: {impact.waiting:,}"


def _list(lines: Iterable[str]) -> str:
    return "".join(f"- {line}\n" for line in lines) or _NOTHING
