"""`celeriac db check` and `celeriac db upgrade`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from celeriac.cli.options import config_option, json_option, settings, store_option
from celeriac.store import Schema, Store


@click.group(epilog="Example:  celeriac db upgrade --store postgresql://celeriac@127.0.0.1/celeriac")
def command() -> None:
    """The store's schema: check it, and bring it up to this version.

    A server does that when it starts, too.
    """


@command.command(epilog="Example:  celeriac db check --json")
@store_option
@config_option
@json_option
@click.pass_context
def check(ctx: click.Context, /, store: str | None, config: Path | None, as_json: bool) -> None:
    """Say whether the schema is this version's; change nothing.

    Exit code 0: it is. 1: there is none yet, or it is older. 2: there is something else, or a newer one. 3: it cannot
    be reached now.
    """
    found = Store.schema(_url(config, store))
    _tell(found, found.revision, as_json=as_json)
    ctx.exit(0 if found.current else 1)


@command.command(epilog="Example:  celeriac db upgrade --store sqlite:///celeriac.db")
@store_option
@config_option
@json_option
def upgrade(store: str | None, config: Path | None, as_json: bool) -> None:
    """Bring the schema up to this version; make it where there is none. Once more changes nothing.

    Exit code 0: it is this version's now. 2: there is something else, or a newer one. 3: it cannot be reached now.
    """
    url = _url(config, store)
    before = Store.schema(url).revision
    Store.open(url).close()
    _tell(Store.schema(url), before, as_json=as_json)


def _url(config: Path | None, store: str | None) -> str:
    return settings(config=config, store=store).store.url.get_secret_value()


def _tell(found: Schema, before: str | None, *, as_json: bool) -> None:
    if as_json:
        told = {"store": found.place, "before": before, "schema": found.revision, "needed": found.needed}
        click.echo(json.dumps(told, indent=2))
        return
    if not found.current:
        what = f"schema {found.revision}" if found.revision else "no schema yet"
        click.echo(f"{found.place}: {what}, this version needs {found.needed}. Run: celeriac db upgrade")
    elif before == found.revision:
        click.echo(f"{found.place}: schema {found.revision}, as this version needs it")
    else:
        click.echo(f"{found.place}: schema {found.revision}, {before or 'none'} before")
