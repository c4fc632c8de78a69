"""`celeriac status`."""

from __future__ import annotations

from pathlib import Path

import click

from celeriac.api import views
from celeriac.cli import render
from celeriac.cli.options import config_option, json_option, store_option
from celeriac.cli.reading import Reading

EXIT = {"healthy": 0, "problem": 1, "unknown": 3}
ADDS_UP = {True: 0, False: 1, None: 3}


@click.command(epilog="Example:  celeriac status --balance --store sqlite:///celeriac.db")
@click.option("--balance", is_flag=True, help="Every task accounted for: what was published, and where it stands.")
@store_option
@config_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, balance: bool, store: str | None, config: Path | None, as_json: bool) -> None:
    """One screen: is work being finished, what is wrong, how fresh is this.

    Exit code 0: healthy. 1: something is wrong. 3: what is known is too old to tell. With --balance, 0: the ledger adds
    up. 1: it does not. 3: that cannot be said, for nobody tells what was published.
    """
    reading = Reading(config, store, as_json)
    if balance:
        ctx.exit(ADDS_UP[reading.show(views.balance, render.balance)["holds"]])
    ctx.exit(EXIT[reading.show(views.status, render.status)["verdict"]])
