"""Pure questions to a view: one file for each incident kind."""

from __future__ import annotations

from collections.abc import Iterable

from celeriac.detectors import (
    broker_unreachable,
    chord_incomplete,
    events_disabled,
    ledger_unbalanced,
    monitor_gap,
    monitor_stale,
    poison_task,
    queue_growing,
    queue_unconsumed,
    result_backend_down,
    task_duplicated,
    task_held,
    task_lost,
    worker_child_lost,
    worker_crash_loop,
    worker_lost,
    worker_memory_growing,
    worker_oom_killed,
    worker_silent,
)
from celeriac.detectors.base import Detector
from celeriac.errors import ConfigError

__all__ = ["BUILTIN", "Detector", "with_plugins"]

BUILTIN: tuple[Detector, ...] = (
    poison_task.DETECTOR,
    worker_oom_killed.DETECTOR,
    worker_lost.DETECTOR,
    worker_crash_loop.DETECTOR,
    worker_child_lost.DETECTOR,
    worker_memory_growing.DETECTOR,
    worker_silent.DETECTOR,
    queue_unconsumed.DETECTOR,
    queue_growing.DETECTOR,
    task_held.DETECTOR,
    task_lost.DETECTOR,
    task_duplicated.DETECTOR,
    broker_unreachable.DETECTOR,
    result_backend_down.DETECTOR,
    chord_incomplete.DETECTOR,
    events_disabled.DETECTOR,
    ledger_unbalanced.DETECTOR,
    monitor_gap.DETECTOR,
    monitor_stale.DETECTOR,
)
"""Every kind that ships, roots first."""


def with_plugins(found: Iterable[object]) -> tuple[Detector, ...]:
    """The built-in detectors and those that plugins bring. Raises ConfigError for one that is no Detector."""
    plugins = tuple(found)
    for plugin in plugins:
        if not isinstance(plugin, Detector):
            raise ConfigError(
                f"the detector plugin {plugin!r} is no Detector", hint="Export a celeriac.detectors.Detector"
            )
    return (*BUILTIN, *(plugin for plugin in plugins if isinstance(plugin, Detector)))
