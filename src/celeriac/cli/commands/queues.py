"""`celeriac queues`."""

from __future__ import annotations

from pathlib import Path

import click

from celeriac.api import views
from celeriac.cli import render
from celeriac.cli.options import config_option, json_option, store_option
from celeriac.cli.reading import Reading


@click.command(epilog="Example:  celeriac queues --store sqlite:///celeriac.db")
@store_option
@config_option
@json_option
def command(store: str | None, config: Path | None, as_json: bool) -> None:
    """Every queue: depth over all priorities, oldest age, growth, and who consumes it."""
    Reading(config, store, as_json).show(views.queues, render.queues)
