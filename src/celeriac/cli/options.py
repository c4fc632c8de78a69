"""Options that several commands share, and the settings they come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from celeriac.cli.plugin import BROKER_FROM_APP
from celeriac.settings import Settings, load
from celeriac.store import Store

Command = TypeVar("Command", bound=Callable[..., Any])

config_option = click.option(
    "--config", type=click.Path(path_type=Path), help="Settings file. Default: ./celeriac.toml if there is one."
)
broker_option = click.option(
    "--broker", metavar="URL", help="The broker, as Celery spells it. Env: CELERIAC_BROKER__URL."
)
store_option = click.option(
    "--store", metavar="URL", help="The store. Default: sqlite:///celeriac.db. Env: CELERIAC_STORE__URL."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def settings(*, config: Path | None, broker: str | None = None, store: str | None = None, **sections: Any) -> Settings:
    """The settings with what the command line set on top. Raises ConfigError."""
    flags: dict[str, Any] = {name: values for name, values in sections.items() if values}
    from_app = click.get_current_context().meta.get(BROKER_FROM_APP)
    if broker or from_app:
        flags["broker"] = {**flags.get("broker", {}), "url": broker or from_app}
    if store:
        flags["store"] = {"url": store}
    return load(flags, file=config)


def open_store(config: Path | None, store: str | None) -> Store:
    """The store a server writes, to read it. Raises ConfigError, and StoreError when there is none yet."""
    return Store.existing(settings(config=config, store=store).store.url.get_secret_value())
