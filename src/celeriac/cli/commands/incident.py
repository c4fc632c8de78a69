"""`celeriac incident ID [ack]`."""

from __future__ import annotations

from collections.abc import Mapping
from getpass import getuser
from pathlib import Path
from typing import Any

import click

from celeriac.api import views
from celeriac.cli import render
from celeriac.cli.options import config_option, json_option, open_store, store_option
from celeriac.cli.reading import Reading
from celeriac.clock import SystemClock
from celeriac.errors import NotFoundError
from celeriac.store import Store


@click.command(epilog="Example:  celeriac incident 9f3c21ab ack")
@click.argument("incident_id", metavar="ID")
@click.argument("act", required=False, type=click.Choice(["ack"]))
@store_option
@config_option
@json_option
@click.option("-v", "--verbose", is_flag=True, help="Everything, however long.")
def command(incident_id: str, act: str | None, store: str | None, config: Path | None, as_json: bool,
            verbose: bool) -> None:  # fmt: skip
    """One incident with its whole diagnosis; `ack` says that somebody is on it."""
    if act is not None:
        _acknowledge(config, store, incident_id)
        return
    Reading(config, store, as_json).show(
        lambda opened, now: _found(opened, now, incident_id), lambda shown: render.incident(shown, verbose=verbose)
    )


def _found(store: Store, now: float, incident_id: str) -> Mapping[str, Any]:
    shown = views.incident(store, now, incident_id)
    if shown is None:
        raise NotFoundError(f"there is no incident {incident_id}", hint="`celeriac incidents` lists them")
    return shown


def _acknowledge(config: Path | None, url: str | None, incident_id: str) -> None:
    """Write the request; the server's track loop does it."""
    store = open_store(config, url)
    try:
        _found(store, SystemClock().now(), incident_id)
        store.request("acknowledge", incident_id, getuser(), SystemClock().now())
    finally:
        store.close()
    click.echo(f"Asked the server to acknowledge {incident_id}.")
