"""`celeriac workers`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from celeriac.api import views
from celeriac.cli import render
from celeriac.cli.options import config_option, json_option, store_option
from celeriac.cli.reading import Reading
from celeriac.store import Store


@click.command(epilog="Example:  celeriac workers --store sqlite:///celeriac.db")
@store_option
@config_option
@json_option
def command(store: str | None, config: Path | None, as_json: bool) -> None:
    """Every worker, and whether it lives, with what says so; what tasks of each name take in memory, where a recorder
    tells."""
    Reading(config, store, as_json).show(_workers, render.workers)


def _workers(store: Store, now: float) -> Mapping[str, Any]:
    return views.workers(store, now) | {"memory": views.memory(store, now)["names"]}
