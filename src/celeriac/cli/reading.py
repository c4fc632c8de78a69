"""How a reading command works: open the store, ask a view, print it or its JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType

from celeriac.cli.options import open_store
from celeriac.cli.render import console
from celeriac.clock import SystemClock
from celeriac.store import Store

View = Callable[[Store, float], Mapping[str, Any]]
Rendering = Callable[[Mapping[str, Any]], RenderableType]


@dataclass(frozen=True, slots=True)
class Reading:
    """Where to read, and whether a person or a script reads on."""

    config: Path | None
    store: str | None
    as_json: bool

    def show(self, view: View, rendering: Rendering) -> Mapping[str, Any]:
        """Print what `view` gives, and give it on. Raises ConfigError, StoreError."""
        store = open_store(self.config, self.store)
        try:
            shown = view(store, SystemClock().now())
        finally:
            store.close()
        if self.as_json:
            click.echo(json.dumps(shown, indent=2))
        else:
            console().print(rendering(shown))
        return shown
