"""Read the settings from their four places and report every fault at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource

from celeriac.errors import ConfigError
from celeriac.settings.tree import Settings

DEFAULT_FILE = Path("celeriac.toml")
PREFIX = "CELERIAC_"


class _Environment(BaseSettings, Settings):  # type: ignore[misc]
    """The tree as pydantic-settings sees it, to read the environment by its rules."""


def load(flags: Mapping[str, Any], *, file: Path | None = None, environ_prefix: str = PREFIX) -> Settings:
    """The settings of this run. `flags` is a nested mapping of what the command line set. Raises ConfigError."""
    merged: dict[str, Any] = {}
    for layer in _layers(flags, file, environ_prefix):
        _overlay(merged, layer)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        faults = tuple(
            f"{'.'.join(str(part) for part in fault['loc']) or 'settings'}: {_words(fault['type'], fault['msg'])}"
            for fault in error.errors()
        )
        raise ConfigError(
            f"the settings cannot be used: {'; '.join(faults)}",
            hint="`celeriac config show` lists every setting",
            faults=faults,
        ) from error


def _words(kind: str, message: str) -> str:
    """The library's words, which never hold the value; its word for an unknown name helps nobody."""
    return "there is no such setting" if kind == "extra_forbidden" else message


def origins(flags: Mapping[str, Any], *, file: Path | None = None) -> dict[str, str]:
    """Where each value that is not a default came from, by dotted name."""
    found: dict[str, str] = {}
    for origin, layer in zip(("file", "environment", "flag"), _layers(flags, file, PREFIX), strict=True):
        found |= {name: origin for name in _dotted(layer)}
    return found


def _layers(flags: Mapping[str, Any], file: Path | None, prefix: str) -> tuple[Mapping[str, Any], ...]:
    source = EnvSettingsSource(_Environment, env_prefix=prefix, env_nested_delimiter="__")
    known = {key: value for key, value in source().items() if key in Settings.model_fields}
    return _read(file), known, flags


def _read(file: Path | None) -> Mapping[str, Any]:
    path = file or DEFAULT_FILE
    if file is None and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}", hint="Check the path given with --config"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", hint="Mend that line") from error


def _overlay(base: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for key, value in layer.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            _overlay(base[key], value)
        elif isinstance(value, Mapping):
            base[key] = {}
            _overlay(base[key], value)
        else:
            base[key] = value


def _dotted(layer: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for key, value in layer.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{name}.")
        else:
            yield name
