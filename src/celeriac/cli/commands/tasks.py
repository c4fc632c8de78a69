"""`celeriac tasks [QUERY]`."""

from __future__ import annotations

from pathlib import Path

import click

from celeriac.api import views
from celeriac.cli import render
from celeriac.cli.options import config_option, json_option, store_option
from celeriac.cli.reading import Reading


@click.command(epilog='Example:  celeriac tasks "state:lost,held name:exports.* age:>10m"')
@click.argument("query", required=False, default="")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="Tasks on a page.")
@click.option("--after", metavar="CURSOR", help="Go on after the page that gave this cursor as `next`.")
@store_option
@config_option
@json_option
def command(query: str, limit: int, after: str | None, store: str | None, config: Path | None, as_json: bool) -> None:
    """Search tasks, newest first.

    Words: state: name: queue: worker: error: key: args: id: age: runtime: wait: since: until: has: and free text. A
    comma means any of, a leading - leaves out, * is any characters.
    """
    reading = Reading(config, store, as_json)
    reading.show(lambda opened, now: views.tasks(opened, now, query=query, after=after, limit=limit), render.tasks)
