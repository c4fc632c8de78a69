"""All host evidence of one worker, gathered as the collector does it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from celeriac.evidence import Source
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot
from lab.wait import wait_until


class Witness:
    """Looks at sources in turn and remembers: levels by their newest look, edges for ever."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._known: dict[str, Evidence] = {}
        self.blind_spots: tuple[BlindSpot, ...] = ()

    def look(self) -> None:
        """One look at every source."""
        at = time.time()
        looks = [source.look(at) for source in self._sources]
        self.blind_spots = tuple(spot for look in looks for spot in look.blind_spots)
        self._known |= {fact.id: fact for look in looks for fact in look.evidence}

    def find(self, what: str, **known: object) -> Evidence | None:
        """The newest fact of that kind whose fields, or data, are as given."""
        found = [one for one in self._known.values() if one.what == what and _fits(one, known)]
        return max(found, key=lambda one: one.at, default=None)

    def await_(self, what: str, timeout: float = 10.0, **known: object) -> Evidence:
        """Look until there is such a fact."""

        def looked() -> Evidence | None:
            self.look()
            return self.find(what, **known)

        return wait_until(looked, timeout=timeout, why=f"{what} {known}")


@contextmanager
def witness(*sources: Source) -> Iterator[Witness]:
    """A witness over `sources`, which are closed at the end."""
    try:
        yield Witness(sources)
    finally:
        for source in sources:
            source.close()


def _fits(fact: Evidence, known: dict[str, object]) -> bool:
    fields = {"pid": fact.pid, "container": fact.container, **{k: v for k, v in fact.data.items() if k != "pid"}}
    return all(fields.get(name) == value for name, value in known.items())
