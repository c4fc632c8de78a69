"""The ledger's equation: both sides, by task name, and beside what the broker holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from celeriac.cli.render.figures import count, counted
from celeriac.cli.render.layout import Row, page, prose, table, word
from celeriac.cli.render.lists import footer

MOST = 30
"""Task names, and queues, shown; `--json` has more."""


def balance(shown: Mapping[str, Any]) -> Group:
    """The API's balance for reading: only terms that have tasks, or cannot be seen, are shown."""
    one = dict(shown)
    return page(_verdict(one), [_terms(one)], _names(one), _queues(one), _unseen(one), footer(one))


def _verdict(one: Mapping[str, Any]) -> Iterator[Row]:
    if one["holds"] is None:
        yield prose("balance", "cannot be said: what was published is not seen", "bold yellow")
    elif one["holds"]:
        later = f", {count(one['unrecorded'])} more only seen later" if one["unrecorded"] else ""
        said = f"it adds up: {count(one['published'])} published{later}, every one stands in one place"
        yield prose("balance", said, "bold green")
    else:
        yield prose("balance", f"it does not add up: the sides differ by {count(abs(one['difference']))}", "bold red")


def _terms(one: Mapping[str, Any]) -> RenderableType:
    rows = table("", "TASKS", right=(1,))
    rows.add_row(Text("published", "bold"), count(one["published"]))
    if one["unrecorded"]:
        rows.add_row(Text("only seen later", "bold"), count(one["unrecorded"]))
    for term, tasks in one["terms"].items():
        if tasks != 0:
            rows.add_row(Text.assemble("= " if term == "waiting" else "+ ", word(term)), count(tasks))
    return rows


def _names(one: Mapping[str, Any]) -> list[RenderableType]:
    if not one["names"]:
        return []
    rows = table("PUBLISHED", "TASK", right=(0,))
    for name in one["names"][:MOST]:
        stands = ", ".join(f"{tasks:,} {term}" for term, tasks in name["terms"].items() if tasks)
        rows.add_row(count(name["published"]), _said(name["name"] or "name not known", stands))
    return [rows, *_more(one["names_count"], "name")]


def _queues(one: Mapping[str, Any]) -> list[RenderableType]:
    if not one["queues"]:
        return []
    rows = table("WAITING", "READY", "UNACKED", "NOT RECORDED", "QUEUE", right=(0, 1, 2, 3))
    for queue in one["queues"][:MOST]:
        figures = (queue["waiting"], queue["ready"], queue["unacked"], queue["unrecorded"])
        rows.add_row(*(count(figure) for figure in figures), queue["queue"])
    return [rows, *_more(len(one["queues"]), "queue")]


def _said(name: str, more: str) -> Text:
    return Text.assemble(name, (f"  {more}", "dim"))


def _more(number: int, noun: str) -> list[RenderableType]:
    return [Text(f"… {counted(number - MOST, f'more {noun}')} with --json", "dim")] if number > MOST else []


def _unseen(one: Mapping[str, Any]) -> list[Row]:
    return [
        prose("not seen", f"{spot['what']}: {spot['why']}. Would add: {spot['would_add']}", "dim")
        for spot in one["blind_spots"]
    ]
