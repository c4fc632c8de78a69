"""A rescue: the plan, or what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.text import Text

from celeriac.cli.render.figures import counted
from celeriac.cli.render.layout import page, table

SAID = {
    "restored": "back in its queue",
    "gone": "nobody holds it any more",
    "taken-again": "somebody else was given it meanwhile",
    "unroutable": "its exchange leads to no queue: it stays held",
    "changed": "its delivery holds another message now",
}
"""What came of one message."""


def rescue(outcome: Mapping[str, Any]) -> Group:
    """Each held task with what will be, or was, done about it."""
    if "republished" in outcome:
        return page([Text(_republished(outcome))])
    if not outcome["tasks"]:
        return page([Text("Nothing is held by a dead consumer.")])
    rows = table("TASK", "NAME", "QUEUE", "HELD BY", "WHAT")
    for one in outcome["tasks"]:
        rows.add_row(one["task_id"], one["name"] or "unknown", one["queue"] or "?", one["worker"] or "?", _what(one))
    return page([rows], [Text(_total(outcome), "bold")])


def _what(one: Mapping[str, Any]) -> Text:
    done = one["outcome"]
    if done is not None:
        return Text(SAID.get(done, done), "green" if done == "restored" else "yellow")
    return Text(f"{'goes back' if one['will'] else 'stays'}: {one['because']}", "" if one["will"] else "yellow")


def _total(outcome: Mapping[str, Any]) -> str:
    if not outcome["dry_run"]:
        return f"{counted(outcome['restored'], 'task')} put back."
    will = sum(one["will"] for one in outcome["tasks"])
    return f"{counted(will, 'task')} would go back, {len(outcome['tasks']) - will} would stay. Nothing was done."


def _republished(outcome: Mapping[str, Any]) -> str:
    if outcome["republished"]:
        return "Published again, under the same id."
    if outcome["will"]:
        return "It is lost, and its exact message is on record: it can be published again, under the same id."
    return f"Not published again: {outcome['because']}."
