"""The list of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from celeriac.cli.render.figures import age, counted
from celeriac.cli.render.layout import page, table, word
from celeriac.cli.render.lists import footer


def tasks(shown: Mapping[str, Any]) -> Group:
    """Tasks a search found, the newest change first."""
    rows = table("ID", "STATE", "CHANGED", "NAME", right=(2,))
    for one in shown["items"]:
        name = Text.assemble(
            one["name"] or "unknown",
            (f"  {one['reason'] or one['because']}" if one["reason"] or one["because"] else "", "dim"),
        )
        rows.add_row(
            one["id"], word(one["verdict"] or one["state"]), f"{age(one['updated_at'], shown['as_of'])} ago", name
        )
    return page([rows] if shown["items"] else [Text(_empty(shown))], footer(shown), _counts(shown))


def _empty(shown: Mapping[str, Any]) -> str:
    if shown.get("query"):
        return f"No task fits: {shown['query']}"
    return "No task has been seen yet. Tasks are known by their events: start workers with -E."


def _counts(shown: Mapping[str, Any]) -> list[RenderableType]:
    counts = {state: number for state, number in (shown.get("counts") or {}).items() if number}
    if not counts:
        return []
    return [
        Text(
            f"{counted(sum(counts.values()), 'task')}: " + ", ".join(f"{n:,} {state}" for state, n in counts.items()),
            "dim",
        )
    ]
