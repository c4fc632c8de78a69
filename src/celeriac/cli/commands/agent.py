"""`celeriac agent`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from celeriac.agent import Options, run
from celeriac.cli.logs import configure
from celeriac.cli.options import broker_option, config_option, settings


@click.command(epilog="Example:  celeriac agent --broker redis://10.0.0.5:6379/0")
@broker_option
@config_option
@click.option("--docker/--no-docker", default=None, help="Ask Docker or Podman. Default: when there is a socket.")
@click.option("--kube", is_flag=True, default=None, help="Ask the Kubernetes API about the workers' pods.")
@click.option("--interval", type=click.FloatRange(0.1, 60), metavar="SECONDS",
              help="Seconds between two looks. Default: 0.5.")  # fmt: skip
def command(
    broker: str | None, config: Path | None, docker: bool | None, kube: bool | None, interval: float | None
) -> None:
    """One per host: process table, control groups, kernel log and containers, shipped through the broker to the server.

    It opens no port and changes nothing on the host. A broker that is away is waited for; meanwhile what happens is
    kept. Some of it may need root: what cannot be read is named in the diagnosis.
    """
    chosen = settings(config=config, broker=broker, interval=interval)
    configure(json_lines=not sys.stderr.isatty())
    run(chosen, Options(docker, kube), lambda what: click.echo(f"Celeriac ships {what}  (Ctrl-C stops it)", err=True))
