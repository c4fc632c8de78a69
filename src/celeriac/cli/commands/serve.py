"""`celeriac serve`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from celeriac.cli.logs import configure
from celeriac.cli.options import broker_option, config_option, settings, store_option
from celeriac.server import serve


@click.command(epilog="Example:  celeriac serve --broker redis://127.0.0.1:6379/0 --store sqlite:///celeriac.db")
@broker_option
@store_option
@config_option
@click.option("--listen", metavar="HOST:PORT", help="Where the dashboard listens. Default: 127.0.0.1:8642.")
@click.option("--enable-events", is_flag=True, help="Tell workers by remote control to send task events.")
def command(
    broker: str | None, store: str | None, config: Path | None, listen: str | None, enable_events: bool
) -> None:
    """Collect, judge and show: the collector, the detectors, incidents, the API and the dashboard."""
    chosen = settings(config=config, broker=broker, store=store, listen=listen, enable_events=enable_events)
    configure(json_lines=not sys.stderr.isatty())
    serve(chosen, lambda where: click.echo(f"Celeriac is at {where}  (Ctrl-C stops it)", err=True))
