"""The logs of containers that this look found something wrong with: they name what was running."""

from __future__ import annotations

from collections.abc import Iterable

from celeriac.detectors.endings import DAY, ORDERLY_EXITS
from celeriac.detectors.traces import ended_at, is_ended, seen
from celeriac.evidence import Source
from celeriac.evidence.container_logs import read_container
from celeriac.evidence.docker import DockerSource
from celeriac.model.evidence import Evidence
from celeriac.model.view import View
from celeriac.store import Batch, Store

LOGS_LIMIT = 5
"""Logs read in one diagnosis, those of the newest ends first."""


def recall(store: Store, sources: Iterable[Source], view: View, began: float) -> bool:
    """Record what the logs tell of worker containers that died, and of living ones in which the kernel killed.

    `view` is after the look that began at `began` (Unix seconds). True when there was something to record.
    """
    docker = next((one for one in sources if isinstance(one, DockerSource)), None)
    if docker is None:
        return False
    try:
        told = [read_container(docker, one, view.at) for one in (*_dead(view, began), *_bereaved(view, began))]
    finally:
        docker.close()
    events = tuple(event for one in told for event in one.events)
    facts = tuple(fact for one in told for fact in one.evidence)
    spots = tuple(spot for one in told for spot in one.blind_spots)
    if told:
        store.record(Batch(view.at, events=events, evidence=facts, blind_spots={"container-logs": spots}))
    return bool(told)


def _dead(view: View, began: float) -> list[Evidence]:
    """Worker containers that ended in the last day, and not by being told to."""
    ended = [one for one in _workers(view, began) if is_ended(one) and view.at - ended_at(one) <= DAY]
    failed = [one for one in ended if one.number("exit_code") not in ORDERLY_EXITS]
    return sorted(failed, key=lambda one: -ended_at(one))[:LOGS_LIMIT]


def _bereaved(view: View, began: float) -> list[Evidence]:
    """Worker containers that run though the kernel killed in them."""
    groups = [one.text("cgroup") or "" for one in seen(view, "oom-kill")]
    groups += [one.text("path") or "" for one in seen(view, "oom-count")]
    running = (one for one in _workers(view, began) if not is_ended(one))
    return [one for one in running if any((one.text("id") or "?") in group for group in groups)][:LOGS_LIMIT]


def _workers(view: View, began: float) -> Iterable[Evidence]:
    """Those this look saw itself: what a store remembers may be another host's."""
    return (one for one in seen(view, "container") if one.data.get("worker") and one.at >= began)
