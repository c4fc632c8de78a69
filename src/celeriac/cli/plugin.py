"""`celery -A proj celeriac …`: the same group inside Celery's own command. Imports click alone."""

from __future__ import annotations

import click

from celeriac.cli.group import LazyGroup

BROKER_FROM_APP = "celeriac.broker_from_app"


@click.group(cls=LazyGroup, name="celeriac")
@click.pass_context
def celeriac(ctx: click.Context) -> None:
    """Celeriac: the reliability layer for Celery."""
    app = getattr(ctx.obj, "app", None)
    if app is not None and app.conf.broker_url:
        ctx.meta[BROKER_FROM_APP] = app.conf.broker_url
