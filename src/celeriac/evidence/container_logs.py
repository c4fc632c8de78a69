"""What a worker wrote in its container: the last run of it, from its tail on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta, timezone, tzinfo

from celeriac.errors import EvidenceError
from celeriac.evidence.docker import DockerSource
from celeriac.evidence.engine import LogLine
from celeriac.evidence.log_lines import LogReader, Origin, written_at
from celeriac.model.event import Event
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot

LINES_LIMIT = 5_000
"""Lines read of one container; a task that was received before them is not named."""
QUARTER = 900.0
"""Zones differ by whole quarters of an hour."""
_ADDS = "what its worker took, did and said"


@dataclass(frozen=True, slots=True)
class Told:
    """What one container's log tells: of tasks, last words, and the container itself once the log named its worker."""

    events: tuple[Event, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    blind_spots: tuple[BlindSpot, ...] = ()


def read_container(docker: DockerSource, container: Evidence, at: float) -> Told:
    """The log of the worker in `container` (a `container` level), read at `at`: of its last run alone."""
    name = container.text("name") or container.container or ""
    try:
        lines = docker.logs(container.text("id") or name, LINES_LIMIT, container.number("started"))
    except EvidenceError as error:
        return Told(blind_spots=(_unseen(name, str(error)),))
    if not lines:
        return Told(blind_spots=(_unseen(name, "the engine kept no line of its last run"),))
    node = container.nodes[0] if container.nodes else None
    how = f"docker logs --tail 1000 {name}"
    reader = LogReader(Origin(container.host, how, zone_of(lines), node, container.container))
    found = reader.read((line.text for line in lines), at)
    events = tuple(one for one in found if isinstance(one, Event))
    words = tuple(one for one in found if isinstance(one, Evidence))
    cut = (_unseen(name, f"only its last {LINES_LIMIT:,} lines were read"),) if len(lines) >= LINES_LIMIT else ()
    return Told(events, (*words, *_named(container, reader.node)), cut)


def zone_of(lines: Sequence[LogLine]) -> tzinfo | None:
    """The zone of the clock that wrote the lines: how far it is ahead of the engine's, which says its own."""
    ahead = next(_ahead(reversed(lines)), None)
    return None if ahead is None else timezone(timedelta(seconds=round(ahead / QUARTER) * QUARTER))


def _ahead(lines: Iterable[LogLine]) -> Iterator[float]:
    for line in lines:
        written = written_at(line.text)
        if written is not None and line.at is not None:
            yield written - line.at


def _named(container: Evidence, node: str | None) -> tuple[Evidence, ...]:
    """An entrypoint script hides the node's name in the command; the log has it."""
    if node is None or node in container.nodes[:1]:
        return ()
    return (replace(container, nodes=(node, *(one for one in container.nodes if one != node))),)


def _unseen(name: str, why: str) -> BlindSpot:
    return BlindSpot(f"log of container {name}", why, _ADDS)
