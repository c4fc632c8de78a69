"""`celeriac workers`."""

from __future__ import annotations

from pathlib import Path

import click

from celeriac.api import views
from celeriac.cli import render
from celeriac.cli.options import config_option, json_option, store_option
from celeriac.cli.reading import Reading


@click.command(epilog="Example:  celeriac workers --store sqlite:///celeriac.db")
@store_option
@config_option
@json_option
def command(store: str | None, config: Path | None, as_json: bool) -> None:
    """Every worker, and whether it lives, with what says so."""
    Reading(config, store, as_json).show(views.workers, render.workers)
