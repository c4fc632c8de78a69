"""The only reader of entry points: detectors, sources, brokers and notifiers that others wrote."""

from __future__ import annotations

from importlib.metadata import entry_points

from celeriac.errors import ConfigError

GROUPS = ("celeriac.brokers", "celeriac.sources", "celeriac.detectors", "celeriac.notifiers")


def load(group: str) -> tuple[object, ...]:
    """What is registered under `group`, in name order. Raises ConfigError naming the plugin that does not import."""
    found = []
    for entry in sorted(entry_points(group=group), key=lambda one: one.name):
        try:
            found.append(entry.load())
        except Exception as error:  # a plugin can raise anything while importing
            raise ConfigError(
                f"the plugin {entry.name} ({entry.value}) does not load: {type(error).__name__}: {error}",
                hint=f"Mend or uninstall {entry.dist.name if entry.dist else 'it'}",
            ) from error
    return tuple(found)
