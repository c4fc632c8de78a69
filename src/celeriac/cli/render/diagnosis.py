"""A diagnosis on one screen: the first root in full, the others in short, unless everything is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group
from rich.text import Text

from celeriac.cli.render import finding as block
from celeriac.cli.render.figures import counted, duration, moment
from celeriac.cli.render.finding import Json
from celeriac.cli.render.layout import WORD_STYLES, Row, labelled, page
from celeriac.model.diagnosis import Diagnosis

CALM = {
    "healthy": "No fault was found.",
    "unknown": "Too little was seen to tell.",
}


def diagnosis(found: Diagnosis | Mapping[str, Any], *, verbose: bool = False) -> Group:
    """`found` (or its public JSON) for reading."""
    shown = found.to_json() if isinstance(found, Diagnosis) else dict(found)
    families = _families(shown["findings"])
    blocks = [
        _full(family, shown["as_of"], verbose=verbose) if number == 0 or verbose else _short(family, shown["as_of"])
        for number, family in enumerate(families)
    ]
    return page(_verdict(shown, families), *blocks, _healthy(shown), block.blind_spots(shown, verbose=verbose))


def _families(findings: list[Json]) -> list[list[Json]]:
    """Each root with its consequences. Findings come ranked: consequences follow their root."""
    known = {finding["id"] for finding in findings}
    families: list[list[Json]] = []
    for finding in findings:
        if families and finding["caused_by"] in known:
            families[-1].append(finding)
        else:
            families.append([finding])
    return families


def _verdict(shown: Json, families: list[list[Json]]) -> Iterator[Row]:
    verdict = shown["verdict"]
    wrong = sum(root["severity"] != "info" for root, *_ in families)
    sentence = CALM.get(verdict) or f"{counted(wrong, 'root cause')} found."
    watched = f" As of {moment(shown['as_of'])}, watched for {duration(shown['observed_seconds'])}."
    yield Row(verdict.upper(), Text.assemble((sentence, "bold"), (watched, "dim")), label_style=WORD_STYLES[verdict])


def _full(family: list[Json], as_of: str, *, verbose: bool) -> Iterator[Row]:
    root, *rest = family
    yield from block.verdict(root, root["severity"], as_of)
    yield from block.consequences(rest)
    yield from block.proof(root, verbose=verbose)
    yield from block.impact(root, verbose=verbose)
    yield from block.remedy(root, verbose=verbose)
    yield from block.blind_spots(root, verbose=verbose)


def _short(family: list[Json], as_of: str) -> Iterator[Row]:
    root, *rest = family
    yield from block.verdict(root, root["severity"], as_of)
    yield from block.consequences(rest)
    yield from block.remedy({**root, "fix": root["fix"][:1], "verify": [], "prevent": []}, verbose=False)


def _healthy(shown: Json) -> Iterator[Row]:
    """What is well is worth its lines only while nothing is wrong."""
    if shown["verdict"] == "problem":
        return iter(())
    rows = (Row("", Text.assemble(one["what"], (f": {one['fact']}", "dim")), hang=2) for one in shown["healthy"])
    return labelled("healthy", rows)
