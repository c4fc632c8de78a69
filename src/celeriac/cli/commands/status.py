"""`celeriac status`."""

from __future__ import annotations

from pathlib import Path

import click

from celeriac.api import views
from celeriac.cli import render
from celeriac.cli.options import config_option, json_option, store_option
from celeriac.cli.reading import Reading

EXIT = {"healthy": 0, "problem": 1, "unknown": 3}


@click.command(epilog="Example:  celeriac status --store sqlite:///celeriac.db")
@store_option
@config_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, store: str | None, config: Path | None, as_json: bool) -> None:
    """One screen: is work being finished, what is wrong, how fresh is this.

    Exit code 0: healthy. 1: something is wrong. 3: what is known is too old to tell.
    """
    shown = Reading(config, store, as_json).show(views.status, render.status)
    ctx.exit(EXIT[shown["verdict"]])
