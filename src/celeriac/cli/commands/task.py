"""`celeriac task ID`."""

from __future__ import annotations

from pathlib import Path

import click

from celeriac.api import views
from celeriac.cli import render
from celeriac.cli.options import config_option, json_option, store_option
from celeriac.cli.reading import Reading

COULD_NOT_TELL = 3


@click.command(epilog="Example:  celeriac task 7c9d1c1e-6f2a-4c0e-9d43-0a4c7d0f9a11")
@click.argument("task_id", metavar="ID")
@store_option
@config_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, task_id: str, store: str | None, config: Path | None, as_json: bool) -> None:
    """The truth about one task: where it is or was, on what evidence, with its whole timeline.

    Exit code 0: it is known, or known never to have been seen. 3: what became of it cannot be told.
    """
    reading = Reading(config, store, as_json)
    shown = reading.show(lambda opened, now: views.task(opened, now, task_id), render.task)
    if shown["verdict"] == "unknown":
        ctx.exit(COULD_NOT_TELL)
