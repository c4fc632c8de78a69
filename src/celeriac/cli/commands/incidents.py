"""`celeriac incidents`."""

from __future__ import annotations

from pathlib import Path

import click

from celeriac.api import views
from celeriac.cli import render
from celeriac.cli.options import config_option, json_option, store_option
from celeriac.cli.reading import Reading
from celeriac.model.incident import IncidentState

STATES = [state.value for state in IncidentState]


@click.command(epilog="Example:  celeriac incidents --state open")
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only these; may be given again.")
@click.option("--kind", metavar="KIND", help="Only this kind.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="Incidents on a page.")
@click.option("--after", metavar="CURSOR", help="Go on after the page that gave this cursor as `next`.")
@store_option
@config_option
@json_option
def command(states: tuple[str, ...], kind: str | None, limit: int, after: str | None, store: str | None,
            config: Path | None, as_json: bool) -> None:  # fmt: skip
    """What is wrong, and what was, newest first."""
    wanted = {"states": frozenset(IncidentState(state) for state in states)} if states else {}
    reading = Reading(config, store, as_json)
    reading.show(
        lambda opened, now: views.incidents(opened, now, kind=kind, after=after, limit=limit, **wanted),
        render.incidents,
    )
