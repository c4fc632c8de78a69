"""`celeriac config show` and `celeriac config check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from celeriac.cli.options import config_option, json_option, settings
from celeriac.settings import origins


@click.group(epilog="Example:  celeriac config show --config celeriac.toml")
def command() -> None:
    """Show and check the settings: flags > CELERIAC_SECTION__KEY > celeriac.toml > defaults."""


@command.command(epilog="Example:  celeriac config show --json")
@config_option
@json_option
def show(config: Path | None, as_json: bool) -> None:
    """Every setting, and where its value came from. Secrets stay hidden."""
    tree = settings(config=config).model_dump(mode="json")
    came_from = origins({}, file=config)
    if as_json:
        click.echo(json.dumps({"settings": tree, "origins": came_from}, indent=2))
        return
    for name, value in _flat(tree):
        click.echo(f"{name} = {json.dumps(value)}  ({came_from.get(name, 'default')})")


@command.command(epilog="Example:  celeriac config check --config celeriac.toml")
@config_option
def check(config: Path | None) -> None:
    """Exit 0 when the settings can be used; else every fault, and exit 2."""
    settings(config=config)
    click.echo("The settings can be used.")


def _flat(tree: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in tree.items():
        rows += _flat(value, f"{before}{key}.") if isinstance(value, dict) else [(before + key, value)]
    return rows
