"""The list of queues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from celeriac.cli.render.figures import UNKNOWN, count, duration, rate
from celeriac.cli.render.layout import page, table, word
from celeriac.cli.render.lists import footer


def queues(shown: Mapping[str, Any]) -> Group:
    """Every queue: how much waits, since when, whither it goes, and who takes it."""
    empty: list[RenderableType] = [Text("No queue has been seen at the broker yet.")]
    return page([queue_table(shown["items"])] if shown["items"] else empty, footer(shown))


def queue_table(items: Iterable[Mapping[str, Any]]) -> Table:
    """The rows alone."""
    rows = table("QUEUE", "STATE", "READY", "UNACKED", "OLDEST", "GROWTH", "CONSUMERS", right=(2, 3, 4, 5))
    for one in items:
        rows.add_row(
            one["name"],
            word(one["state"]),
            count(one["ready"]),
            count(one["unacked"]),
            duration(one["oldest_age"]),
            rate(one["growth"]),
            UNKNOWN if one["consumers"] is None else ", ".join(one["consumers"]) or "nobody",
        )
    return rows
