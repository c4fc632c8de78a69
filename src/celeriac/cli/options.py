"""Options that several commands share, and the settings they come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from celeriac.cli.plugin import BROKER_FROM_APP
from celeriac.settings import Settings, load

if TYPE_CHECKING:
    from celeriac.store import Store

Command = TypeVar("Command", bound=Callable[..., Any])

config_option = click.option(
    "--config", type=click.Path(path_type=Path), help="Settings file. Default: ./celeriac.toml if there is one."
)
broker_option = click.option(
    "--broker", metavar="URL", help="The broker, as Celery spells it. Env: CELERIAC_BROKER__URL."
)
store_option = click.option(
    "--store",
    metavar="URL",
    help="The store: sqlite:///PATH (default: celeriac.db) or postgresql://…. Env: CELERIAC_STORE__URL.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def settings(
    *,
    config: Path | None,
    broker: str | None = None,
    store: str | None = None,
    listen: str | None = None,
    enable_events: bool = False,
    interval: float | None = None,
) -> Settings:
    """The settings with what the command line set on top. Raises ConfigError."""
    url = broker or click.get_current_context().meta.get(BROKER_FROM_APP)
    given: dict[str, dict[str, Any]] = {
        "broker": {"url": url, "enable_events": enable_events or None},
        "store": {"url": store},
        "server": {"listen": listen},
        "evidence": {"interval": interval},
    }
    flags = {name: {key: value for key, value in values.items() if value} for name, values in given.items()}
    return load(flags, file=config)


def open_store(config: Path | None, store: str | None) -> Store:
    """The store a server writes, to read it. Raises ConfigError, and StoreError when there is none yet."""
    from celeriac.store import Store  # an agent has none, and is spared what it takes to open one

    return Store.existing(settings(config=config, store=store).store.url.get_secret_value())
