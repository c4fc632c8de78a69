"""`celeriac demo`."""

from __future__ import annotations

import click

from celeriac.cli import render
from celeriac.drills.demo import DemoOptions, run


@click.command(epilog="Example:  celeriac demo --for 60")
@click.option("--port", type=click.IntRange(1, 65535), help="The dashboard's port. Default: any free one.")
@click.option("--for", "seconds", type=click.FloatRange(10, 86400), default=120.0, show_default=True,
              metavar="SECONDS", help="How long to stay up.")  # fmt: skip
@click.option("--no-faults", is_flag=True, help="Steady traffic, and nothing goes wrong.")
@click.pass_context
def command(ctx: click.Context, /, port: int | None, seconds: float, no_faults: bool) -> None:
    """A small real system, a real kill, the diagnosis, the recovery: in two minutes, with nothing left behind."""
    ctx.exit(run(DemoOptions(port, seconds, not no_faults), render.console(), render.incident))
