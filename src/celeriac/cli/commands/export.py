"""`celeriac export`."""

from __future__ import annotations

import click

from celeriac.cli.kubernetes_role import kubernetes_role


@click.group(epilog="Example:  celeriac export kubernetes-role --namespace shop | kubectl apply -f -")
def command() -> None:
    """Ready files for other systems, to stdout or into a directory."""


command.add_command(kubernetes_role)
