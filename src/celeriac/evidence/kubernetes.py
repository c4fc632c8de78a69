"""The pods that run workers, by the Kubernetes API: read-only, by bounded lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from celeriac.errors import EvidenceError
from celeriac.evidence.base import Look
from celeriac.evidence.cluster import Cluster
from celeriac.evidence.pods import Box, boxes, ends, evicted_unseen, level
from celeriac.evidence.rollouts import machine, rollout
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot

PODS_EVERY = 2.0
"""Seconds between two lists of pods: a list is answered whole, and costs the API server what it holds."""
AROUND_EVERY = 15.0
"""The same for what changes rarely: revisions, evictions, nodes."""
REMEMBERED = 500
"""Worker containers whose last look is kept, for when their pod is gone."""


class KubernetesSource:
    """Levels `container` and `machine`; edges `container-died` and `rollout`. `namespaces` empty: the own one."""

    name = "kubernetes"

    def __init__(self, namespaces: Iterable[str] = ()) -> None:
        self._cluster = Cluster()
        self._namespaces: tuple[str | None, ...] = tuple(namespaces) or (None,)
        self._pods_at = self._around_at = float("-inf")
        self._last: dict[str, Evidence] = {}
        self._running: frozenset[object] = frozenset()
        self._unseen: tuple[BlindSpot, ...] = ()
        self._unseen_around: tuple[BlindSpot, ...] = ()

    def look(self, at: float) -> Look:
        """The worker containers and their ends every two seconds, what is around them four times a minute; between
        two lists nothing is new."""
        if 0 <= at - self._pods_at < PODS_EVERY:
            return Look(blind_spots=self._unseen + self._unseen_around)
        self._pods_at = at
        pods = _tried("pods", "the end, exit code and eviction of workers' pods", lambda: self._pods(at))
        self._unseen = pods.blind_spots
        around = self._look_around(at) if pods.evidence else ()
        return Look(pods.evidence + around, self._unseen + self._unseen_around)

    def close(self) -> None:
        """Drop the connection; a later look opens another."""
        self._cluster.close()

    def _pods(self, at: float) -> Iterator[Evidence]:
        found = [box for name in self._namespaces for pod in self._cluster.pods(name) for box in boxes(pod)]
        self._remember(found, at)
        for box in found:
            yield level(box, at)
            yield from ends(box, at)

    def _remember(self, found: list[Box], at: float) -> None:
        self._running = frozenset(box.uid for box in found)
        for box in found:
            seen = level(box, at)
            self._last.pop(seen.id, None)
            self._last[seen.id] = seen
        self._last = dict(list(self._last.items())[-REMEMBERED:])

    def _look_around(self, at: float) -> tuple[Evidence, ...]:
        if 0 <= at - self._around_at < AROUND_EVERY:
            return ()
        self._around_at = at
        looks = (
            _tried("rollouts", "what was deployed before something went wrong", self._rollouts),
            _tried("evictions", "why a pod that is gone was evicted", self._evicted),
            _tried("cluster nodes", "whether a worker's node is short of memory or gone", lambda: self._machines(at)),
        )
        self._unseen_around = tuple(spot for look in looks for spot in look.blind_spots)
        return tuple(one for look in looks for one in look.evidence)

    def _rollouts(self) -> Iterator[Evidence]:
        """Revisions of what makes worker pods."""
        ours = {last.data["workload"] for last in self._last.values()}
        for name in self._namespaces:
            found = (rollout(one) for one in self._cluster.replica_sets(name))
            yield from (one for one in found if one is not None and one.data["workload"] in ours)

    def _evicted(self) -> Iterator[Evidence]:
        """Evictions of worker pods that are gone."""
        gone = {last.data["uid"]: last for last in self._last.values() if last.data["uid"] not in self._running}
        events = (event for name in self._namespaces for event in self._cluster.evictions(name)) if gone else ()
        for event in events:
            last = gone.get(event.involvedObject.uid)
            if last is not None:
                yield evicted_unseen(last, event)

    def _machines(self, at: float) -> Iterator[Evidence]:
        """The nodes that carry worker pods."""
        ours = {last.host for last in self._last.values()}
        yield from (one for one in (machine(node, at) for node in self._cluster.nodes()) if one.host in ours)


def _tried(what: str, adds: str, ask: Callable[[], Iterator[Evidence]]) -> Look:
    """What one question to the API gave; a blind spot when it did not answer."""
    try:
        return Look(tuple(ask()))
    except EvidenceError as error:
        return Look(blind_spots=(BlindSpot(what, str(error), adds),))
