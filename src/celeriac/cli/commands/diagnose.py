"""`celeriac diagnose`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from celeriac.cli.options import broker_option, config_option, json_option, settings
from celeriac.cli.render import console, diagnosis, looking
from celeriac.diagnose import Options, run

EXIT = {"healthy": 0, "problem": 1, "unknown": 3}


@click.command(epilog="Example:  celeriac diagnose --broker redis://127.0.0.1:6379/0 --logs worker.log")
@broker_option
@config_option
@click.option("--for", "seconds", type=click.FloatRange(0, 3600), default=7.0, show_default=True, metavar="SECONDS",
              help="How long to look; 0 is a single look.")  # fmt: skip
@click.option("--only", metavar="KIND", help="Ask for one incident kind alone.")
@click.option("--logs", "logs", multiple=True, metavar="FILE", help="A worker's log file; may be given again.",
              type=click.Path(exists=True, dir_okay=False, path_type=Path))  # fmt: skip
@click.option("--docker/--no-docker", default=None, help="Ask Docker or Podman. Default: when there is a socket.")
@click.option("--kube", is_flag=True, default=None, help="Ask the Kubernetes API about the workers' pods.")
@click.option("--store", "history", metavar="URL", help="A server's store: its history names what was lost.")
@click.option("--result-backend", metavar="URL", help="Where results are stored: STARTED results name running tasks.")
@json_option
@click.option("-v", "--verbose", is_flag=True, help="Everything, however long.")
@click.pass_context
def command(ctx: click.Context, /, broker: str | None, config: Path | None, as_json: bool, verbose: bool,
            **options: object) -> None:  # fmt: skip
    """What is wrong, why, and what to do: without a server, a store or a change to your code.

    Exit code 0: healthy. 1: a problem was found. 3: the broker or every worker could not be judged.
    """
    chosen = settings(config=config, broker=broker)
    wanted = Options(**options)  # type: ignore[arg-type]
    out = console()
    with looking(out, quiet=as_json) as progress:
        found = run(chosen, wanted, progress)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        out.print(diagnosis(found, verbose=verbose))
    ctx.exit(EXIT[found.verdict])
