"""The parts of a finding: verdict, evidence, ruled out, impact, fix, verify, prevent, what could not be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from celeriac.cli.render.figures import UNKNOWN, count, counted, moment
from celeriac.cli.render.layout import WORD_STYLES, Row, command, labelled, prose

Json = dict[str, Any]
SHOWN = {"evidence": 4, "ruled_out": 4, "fix": 2, "verify": 1, "prevent": 2, "blind_spots": 3}
"""How many of each fit on one screen; the rest waits for `verbose`."""
SHOWN_IDS = 3
RISKS = {"safe": "safe", "repeats-work": "may run work twice", "loses-work": "loses work"}
ROLES = ("lost", "failed", "held", "requeued", "running_twice", "unknown")


def verdict(finding: Json, word: str, as_of: str | None) -> Iterator[Row]:
    """The headline and the one sentence. `word` is its severity, or an incident's state."""
    facts = (finding["kind"], finding["cause"], finding["confidence"], f"since {moment(finding['since'], as_of)}")
    style = WORD_STYLES.get(word, "")
    yield Row(word.upper(), Text(" · ".join(facts), "dim"), label_style=style)
    yield prose("", finding["summary"], "bold")


def consequences(findings: Sequence[Json]) -> Iterator[Row]:
    """What followed from a root, one sentence each."""
    rows = (Row("", Text.assemble((f"{one['kind']}  ", "yellow"), one["summary"]), hang=2) for one in findings)
    return labelled("leads to", rows)


def proof(finding: Json, *, verbose: bool) -> Iterator[Row]:
    """Evidence and what was ruled out."""
    yield from labelled("evidence", _listed(finding, "evidence", _fact, verbose))
    yield from labelled("ruled out", _listed(finding, "ruled_out", _ruled_out, verbose))


def impact(finding: Json, *, verbose: bool) -> Iterator[Row]:
    """What it did to work."""
    return labelled("impact", _impact(finding["impact"], verbose))


def remedy(finding: Json, *, verbose: bool) -> Iterator[Row]:
    """Fix, verify, prevent."""
    yield from labelled("fix", _listed(finding, "fix", _fix, verbose))
    yield from labelled("verify", _listed(finding, "verify", _verify, verbose))
    yield from labelled("prevent", _listed(finding, "prevent", _prevent, verbose))


def blind_spots(holder: Json, *, verbose: bool) -> Iterator[Row]:
    """What could not be seen, why, and what seeing it would add."""
    return labelled("not seen", _listed(holder, "blind_spots", _blind_spot, verbose))


def paging(finding: Json, as_of: str | None) -> Iterator[Row]:
    """When ordinary alert rules would have paged."""
    return labelled("would page", (_paging(one, as_of) for one in finding.get("would_have_paged", ())))


def _listed(holder: Json, key: str, render: Any, verbose: bool) -> Iterator[Row]:
    everything = holder.get(key) or []
    shown = everything if verbose else everything[: SHOWN[key]]
    for one in shown:
        yield from render(one)
    if len(shown) < len(everything):
        yield prose("", f"… {len(everything) - len(shown)} more with -v", "dim")


def _fact(fact: Json) -> Iterator[Row]:
    lead = f"{moment(fact['at'])} {fact['source']:<8} "
    yield Row("", Text(fact["fact"]), lead=lead)
    if fact["how"]:
        yield Row("", Text(fact["how"], "dim"), lead=f"{'$ ':>{len(lead) + 2}}", whole=True)


def _ruled_out(one: Json) -> Iterator[Row]:
    yield Row("", Text.assemble(one["what"], (f": {one['why']}", "dim")), hang=2)


def _fix(fix: Json) -> Iterator[Row]:
    yield command(fix["command"])
    yield prose("", f"{fix['why']} ({RISKS.get(fix['risk'], fix['risk'])})", "dim")


def _verify(verify: Json) -> Iterator[Row]:
    yield command(verify["command"])
    yield prose("", f"expect: {verify['expect']}", "dim")


def _prevent(prevent: Json) -> Iterator[Row]:
    setting = f"{prevent['setting']} = {prevent['value']}"
    yield Row("", Text.assemble((setting, "bold"), (f": {prevent['why']}", "dim")), hang=2)


def _blind_spot(spot: Json) -> Iterator[Row]:
    yield Row("", Text.assemble(spot["what"], (f": {spot['why']}; would add {spot['would_add']}", "dim")), hang=2)


def _paging(one: Json, as_of: str | None) -> Row:
    when = "not yet" if one["at"] is None else f"at {moment(one['at'], as_of)}"
    return Row("", Text.assemble(f"{one['signal']} ", (f"({one['rule']}) ", "dim"), when), hang=2)


def _impact(impact: Json, verbose: bool) -> Iterator[Row]:
    for role in ROLES:
        text = _ids(impact, role, verbose)
        if text:
            yield Row("", Text.assemble((f"{role.replace('_', ' ')}: ", "bold"), text), hang=2)
    if impact["waiting"] is not None:
        yield Row("", Text.assemble(("waiting: ", "bold"), counted(impact["waiting"], "task")), hang=2)
    names = list(impact["task_names"].items())[:SHOWN_IDS]
    if names:
        named = ", ".join(f"{name} {count(number)}" for name, number in names)
        yield Row("", Text.assemble(("by name: ", "bold"), named), hang=2)


def _ids(impact: Json, role: str, verbose: bool) -> str:
    """The ids of one role; "" when there are none."""
    ids, total = impact[role], impact.get(f"{role}_count")
    until = f" until {moment(impact['held_until'])}" if role == "held" and impact.get("held_until") else ""
    if ids is None and total is None:
        return f"{UNKNOWN}{until}"
    if not total:
        return ""
    shown = (ids or []) if verbose else (ids or [])[:SHOWN_IDS]
    more = total - len(shown)
    named = "\n".join(shown) + (f"\n… {count(more)} more" if more and shown else "")
    return f"{counted(total, 'task')}{until}" + (f"\n{named}" if named else "")
