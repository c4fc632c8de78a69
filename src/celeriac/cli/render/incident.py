"""Incidents: one with its whole diagnosis, and the list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from celeriac.cli.render import finding as block
from celeriac.cli.render.figures import moment
from celeriac.cli.render.finding import Json
from celeriac.cli.render.layout import Row, labelled, page, prose, table, word
from celeriac.cli.render.lists import footer


def incident(shown: Mapping[str, Any], *, verbose: bool = False) -> Group:
    """One incident, as the API gives it, for reading."""
    one, as_of = dict(shown), shown["as_of"]
    return page(
        [*block.verdict(one, one["state"], as_of), *block.consequences(one["findings"][1:]), *_no_data(one)],
        block.proof(one, verbose=verbose),
        block.impact(one, verbose=verbose),
        block.remedy(one, verbose=verbose),
        block.blind_spots(one, verbose=verbose),
        [*block.paging(one, as_of), *(_log(one) if verbose else ()), *_life(one)],
    )


def incidents(shown: Mapping[str, Any]) -> Group:
    """The list of incidents."""
    rows = table("STATE", "OPENED", "ID", "WHAT")
    for one in shown["items"]:
        what = Text.assemble((one["kind"], "bold"), f"  {one['summary']}")
        rows.add_row(word(one["state"]), moment(one["opened_at"], shown["as_of"]), one["id"], what)
    empty: list[RenderableType] = [Text("No incident.")]
    return page([rows] if shown["items"] else empty, footer(shown))


def _no_data(one: Json) -> Iterator[Row]:
    if one["no_data"]:
        yield prose("", "Its input is stale: nothing new is known, so it neither changes nor resolves.", "yellow")


def _life(one: Json) -> Iterator[Row]:
    as_of = one["as_of"]
    moments = (("opened", one["opened_at"]), ("acknowledged", one["acknowledged_at"]), ("resolved", one["resolved_at"]))
    told = ", ".join(f"{name} {moment(at, as_of)}" for name, at in moments if at is not None)
    yield prose("incident", f"{one['id']}{f': {told}' if told else ''}", "dim")


def _log(one: Json) -> Iterator[Row]:
    rows = (
        Row(
            "", Text.assemble((f"{moment(entry['at'], one['as_of'])} {entry['to']}  ", "dim"), entry["summary"]), hang=2
        )
        for entry in one["log"]
    )
    return labelled("log", rows)
