"""The list of workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from celeriac.cli.render.figures import count, duration
from celeriac.cli.render.layout import page, table, word
from celeriac.cli.render.lists import footer


def workers(shown: Mapping[str, Any]) -> Group:
    """Every worker and whether it lives, with what says so."""
    rows = table("WORKER", "STATE", "PID", "HEARD", "ACTIVE", "DONE", "BECAUSE", right=(2, 3, 4, 5))
    for one in shown["items"]:
        rows.add_row(
            one["node"],
            word(one["state"]),
            str(one["pid"]),
            duration(one["heartbeat_age"]),
            "–" if one["state"] in ("dead", "stopped") else count(one["active"]),
            count(one["processed"]),
            Text(one["because"], "dim"),
        )
    empty: list[RenderableType] = [Text("No worker has been heard of yet.")]
    return page([rows] if shown["items"] else empty, footer(shown))
