"""The result loop: ends that no event told, chords that stand still, and whether results can be stored at all."""

from __future__ import annotations

from celeriac.collector.chords import Chords
from celeriac.collector.ends import end_of
from celeriac.errors import BrokerError, BrokerUnavailableError
from celeriac.model.event import RESULTS, Event
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot
from celeriac.model.outcome import DONE
from celeriac.results.base import BackendHealth, ResultBackend
from celeriac.store import Batch, Store

ASKED = 1_000
"""Tasks asked about in one step; of more, the next ones in the next."""
WANTED = 20_000


class ResultLoop:
    """One look at the result backend in each step; nothing is ever written there."""

    name = "results"

    def __init__(self, backend: ResultBackend, store: Store, interval: float) -> None:
        self.interval = interval
        self._backend = backend
        self._store = store
        self._chords = Chords(interval)
        self._asked_up_to = ""
        self._failing_since: float | None = None
        self._called_off: set[str] = set()
        self._unread = 0

    def step(self, now: float) -> bool:
        """One look. Raises BrokerError after recording that it failed."""
        try:
            health = self._backend.health()
            events = self._ends(now)
            chords = self._chords_still(now)
        except BrokerError as error:
            self._store.record(self._failed(error, now))
            raise
        self._store.record(
            Batch(
                now,
                events=events,
                evidence=(self._level(health, None, now), *chords),
                blind_spots={RESULTS: self._unseen()},
            )
        )
        return False

    def close(self) -> None:
        """Drop the connection."""
        self._backend.close()

    def _failed(self, error: BrokerError, now: float) -> Batch:
        """What a look that failed shows. Where nobody answers, workers store nothing either; what refuses us alone only
        keeps us from seeing."""
        if isinstance(error, BrokerUnavailableError) and error.cause != "auth":
            down = BackendHealth("unreachable", str(error), self._backend.ping)
            return Batch(now, evidence=(self._level(down, error, now),))
        unseen = BlindSpot("results", str(error), "ends that no event told, and whether results can be stored")
        return Batch(now, blind_spots={RESULTS: (unseen,)})

    def _ends(self, now: float) -> tuple[Event, ...]:
        """The ends of tasks that were not heard of, though the watermark has passed them."""
        heard_until = self._store.watermark()
        outcomes = self._backend.outcomes(self._wanted())
        self._unread = outcomes.unread
        found = []
        for outcome in outcomes.found:
            task = self._store.task(outcome.task_id) if outcome.status in DONE else None
            event = None if task is None else end_of(task, outcome, heard_until, now)
            if event is not None and event.id not in self._called_off:
                found.append(event)
        self._remember(found)
        return tuple(found)

    def _remember(self, told: list[Event]) -> None:
        """What is called off stays as it was, and would be told again at every look."""
        if len(self._called_off) > WANTED:
            self._called_off.clear()
        self._called_off.update(one.id for one in told if one.kind == "task-called-off")

    def _wanted(self) -> list[str]:
        """The next of the tasks whose end may have been missed, going round by id."""
        every = sorted({*self._store.unended(WANTED), *self._store.suspects(ASKED)})
        after = [one for one in every if one > self._asked_up_to][:ASKED]
        self._asked_up_to = after[-1] if len(after) == ASKED else ""
        return after

    def _chords_still(self, now: float) -> tuple[Evidence, ...]:
        found = (*self._store.open_groups(ASKED), *self._backend.discover().groups)
        counts = self._backend.chords(self._chords.groups(found))
        still = self._chords.still(counts, now)
        members = self._store.members([one.group_id for one in still])
        return (*self._chords.facts(still, members, now), *self._chords.gone(counts, now))

    def _level(self, health: BackendHealth, error: BrokerUnavailableError | None, now: float) -> Evidence:
        if health.cause is None:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = now
        return Evidence(
            id=RESULTS,
            at=now,
            source="ledger",
            what="result-backend",
            host="",
            fact=f"the result backend {self._backend.label}: {health.fact}",
            how=health.how,
            data={
                "cause": health.cause,
                "reach": None if error is None else error.cause,
                "since": self._failing_since,
                "address": self._backend.label,
                "interval": self.interval,
            },
        )

    def _unseen(self) -> tuple[BlindSpot, ...]:
        if not self._unread:
            return ()
        why = f"{self._unread} results are not plain JSON (result_serializer, result_compression)"
        return (BlindSpot("results", why, "ends that no event told"),)
