"""Containers on this host, by the API that Docker and Podman share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from celeriac.errors import EvidenceError
from celeriac.evidence.base import Look
from celeriac.evidence.commands import carried_worker
from celeriac.evidence.containers import brief, died, level, main_pid
from celeriac.evidence.engine import Engine, LogLine
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot

WORKERS_LIMIT = 50
"""Worker containers looked into per look, the newest first."""
BRIEF_LIMIT = 100


class DockerSource:
    """Levels `container`; edge `container-died` for every worker container that does not run.

    `address` None: no engine was found. `inside` gives the short ids of containers in which a worker's main was seen,
    from any thread: an entrypoint script may hide its command.
    """

    name = "docker"

    def __init__(self, host: str, address: str | None, inside: Callable[[], Collection[str]] = frozenset) -> None:
        self._host = host
        self._engine = Engine(address) if address else None
        self._inside = inside
        self._workers: dict[str, int | None] = {}

    def look(self, at: float) -> Look:
        """Every container; those that run a worker, or ran one, in full."""
        try:
            return Look(tuple(self._containers(self._reached(), at)))
        except EvidenceError as error:
            unseen = BlindSpot("containers", str(error), "exit code, OOM flag and memory limit of worker containers")
            return Look(blind_spots=(unseen,))

    def logs(self, container: str, tail: int = 2000, since: float | None = None) -> tuple[LogLine, ...]:
        """The last lines a container wrote, at most 4 MB; none from before `since`. Raises EvidenceError."""
        return self._reached().logs(container, tail, since)

    def close(self) -> None:
        """Drop the connection; a later look opens another."""
        if self._engine is not None:
            self._engine.close()

    def _reached(self) -> Engine:
        if self._engine is None:
            raise EvidenceError("no Docker or Podman socket was found", hint="Set DOCKER_HOST, or mount the socket")
        return self._engine

    def _containers(self, engine: Engine, at: float) -> Iterator[Evidence]:
        listed = engine.containers()
        inside = self._inside()
        workers = [one["Id"] for one in listed if self._runs_worker(one, inside)][:WORKERS_LIMIT]
        self._workers = {container: self._workers.get(container) for container in workers}
        for container in workers:
            yield from self._look_into(engine, container, at)
        others = [one for one in listed if one["Id"] not in self._workers]
        for one in others[:BRIEF_LIMIT]:
            yield brief(self._host, one, at)

    def _look_into(self, engine: Engine, container: str, at: float) -> Iterator[Evidence]:
        """The pid is remembered: an ended container has none, and the kernel's log names the dead by it."""
        inspected = engine.inspect(container)
        if inspected is None:
            return
        pid = self._workers[container] = main_pid(inspected) or self._workers[container]
        yield level(self._host, inspected, at, pid)
        end = died(self._host, inspected, at, pid)
        if end is not None:
            yield end

    def _runs_worker(self, listed: Mapping[str, Any], inside: Collection[str]) -> bool:
        known = listed["Id"] in self._workers or listed["Id"][:12] in inside
        return known or carried_worker((str(listed.get("Command") or ""),)) is not None
