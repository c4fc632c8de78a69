"""The truth about one task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group
from rich.text import Text

from celeriac.cli.render.figures import counted, duration, moment, size
from celeriac.cli.render.finding import Json
from celeriac.cli.render.layout import WORD_STYLES, Row, labelled, page, prose


def task(shown: Mapping[str, Any]) -> Group:
    """One task: verdict and why, where it is, its attempts, everything that was seen of it."""
    one = dict(shown)
    return page(
        [*_verdict(one), *_facts(one)],
        labelled("evidence", (_fact(fact, one["as_of"]) for fact in one["evidence"])),
        labelled("attempts", (_attempt(attempt) for attempt in one["attempts"])),
        labelled("timeline", (_entry(entry, one["as_of"]) for entry in one["timeline"])),
        _limits(one),
    )


def _verdict(one: Json) -> Iterator[Row]:
    name = one["name"] or "name unknown"
    yield Row(
        one["verdict"].upper(),
        Text.assemble(name, (f"  {one['id']}", "dim")),
        label_style=WORD_STYLES.get(one["verdict"], "bold"),
    )
    yield prose("", one["because"], "bold")


def _facts(one: Json) -> Iterator[Row]:
    where = ", ".join(f"{key} {value}" for key, value in one["where"].items() if value is not None)
    for label, text in (
        ("where", where),
        ("key", one.get("key")),
        ("args", one.get("args")),
        ("kwargs", one.get("kwargs")),
        ("result", one.get("result")),
    ):
        if text:
            yield prose(label, text)
    if one.get("traceback"):
        yield from labelled("raised", (Row("", Text(line), whole=True) for line in one["traceback"].splitlines()))


def _fact(fact: Json, as_of: str | None) -> Row:
    return Row(
        "",
        Text.assemble(fact["fact"], (f"  [{fact['source']}] {fact['how']}", "dim")),
        lead=f"{moment(fact['at'], as_of)} ",
    )


def _attempt(attempt: Json) -> Row:
    ended = attempt["outcome"] or attempt.get("state") or "open"
    ran = f", ran {duration(attempt['runtime'])}" if attempt["runtime"] is not None else ""
    took = f", took {size(attempt['peak_rss'])} at most" if attempt["peak_rss"] is not None else ""
    on = f" on {attempt['worker']}" if attempt["worker"] else ""
    raised = f": {attempt['exception']}" if attempt["exception"] else ""
    return prose("", f"{attempt['number']}. {attempt['delivery']}{on}, {ended}{ran}{took}{raised}", hang=3)


def _entry(entry: Json, as_of: str | None) -> Row:
    by = f"{entry['worker']} " if entry.get("worker") else ""
    detail = f": {entry['detail']}" if entry.get("detail") else ""
    lead = f"{moment(entry['at'], as_of)} {entry['what']:<10} "
    return Row("", Text(f"{by}[{entry['source']}]{detail}", "dim"), lead=lead)


def _limits(one: Json) -> Iterator[Row]:
    """What may be missing from the above."""
    if one["gaps"]:
        yield prose(
            "holes", f"{counted(len(one['gaps']), 'hole')} in what its worker said: steps may be missing", "yellow"
        )
    if one.get("stale"):
        yield prose("stale", f"what is said was true at {moment(one['as_of'])}", "yellow")
