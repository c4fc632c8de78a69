"""The list of workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from celeriac.cli.render.figures import UNKNOWN, count, duration, size
from celeriac.cli.render.layout import page, table, word
from celeriac.cli.render.lists import footer

NAMES = 20
"""Task names shown; `--json` has all of them."""


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
            Text(one["because"] + (", recorded" if one["recorded"] else ""), "dim"),
        )
    empty: list[RenderableType] = [Text("No worker has been heard of yet.")]
    return page([rows] if shown["items"] else empty, _memory(shown.get("memory") or ()), footer(shown))


def _memory(names: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """What tasks take, the one nearest to its worker's limit first; nothing where no worker tells it."""
    if not names:
        return []
    rows = table("TASK", "RUNS", "MEDIAN", "P95", "MOST", "OF LIMIT", "MOST ON", right=(1, 2, 3, 4, 5))
    for one in names[:NAMES]:
        share = "–" if one["share"] is None else f"{one['share']:.0%}"
        peaks = (size(one["p50"]), size(one["p95"]), size(one["max"]))
        rows.add_row(one["name"], count(one["tasks"]), *peaks, share, one["worker"] or UNKNOWN)
    return [rows]
