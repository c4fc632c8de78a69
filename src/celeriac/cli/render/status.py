"""One screen: is work being finished, what is wrong, how fresh is this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group
from rich.text import Text

from celeriac.cli.render.figures import age, counted, moment
from celeriac.cli.render.finding import Json
from celeriac.cli.render.layout import WORD_STYLES, Row, labelled, page, prose
from celeriac.cli.render.queues import queue_table


def status(shown: Mapping[str, Any]) -> Group:
    """The API's status for reading."""
    one = dict(shown)
    return page(
        [*_verdict(one), *_incidents(one)],
        [queue_table(one["queues"])] if one["queues"] else (),
        [_work(one), _workers(one), _broker(one), _freshness(one)],
    )


def _verdict(one: Json) -> Iterator[Row]:
    yield Row(one["verdict"].upper(), Text(one["headline"], "bold"), label_style=WORD_STYLES[one["verdict"]])
    yield prose("", one["because"], "dim")


def _incidents(one: Json) -> Iterator[Row]:
    rows = (
        Row("", Text.assemble(f"{row['kind']} ", (f"{row['id']}  {row['summary']}", "dim")), hang=2)
        for row in one["incidents"]
    )
    return labelled("incidents", rows)


def _work(one: Json) -> Row:
    if one["last_finished"] is None:
        return prose("work", "no task was seen to finish yet")
    return prose("work", f"last task finished {age(one['last_finished'], one['as_of'])} ago")


def _workers(one: Json) -> Row:
    counts = {state: number for state, number in one["worker_counts"].items() if number}
    return prose("workers", ", ".join(f"{number} {state}" for state, number in counts.items()) or "none heard of yet")


def _broker(one: Json) -> Row:
    broker = one["broker"]
    if broker is None:
        return prose("broker", "not seen yet", "yellow")
    held = (
        ""
        if broker["held_count"] is None
        else f", {counted(broker['held_count'], 'message')} delivered and unacknowledged"
    )
    return prose("broker", f"{broker['kind']} {broker['version'] or ''}, PING {broker['latency'] * 1000:.1f} ms{held}")


def _freshness(one: Json) -> Row:
    fresh = one["freshness"]
    text = Text.assemble((fresh["state"], WORD_STYLES.get(fresh["state"], "")), f": {fresh['because']}")
    return Row("fresh", Text.assemble(text, (f", as of {moment(one['as_of'])}", "dim")))
