"""Putting claims back, so that a rescuer killed half-way is finished by the next one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from celeriac.brokers import Broker
from celeriac.brokers.base import Claim
from celeriac.errors import BrokerError, BrokerUnavailableError, LeaseLostError, OtherBrokerError
from celeriac.model.event import RECOVERY, Event, fingerprint
from celeriac.recovery.rescue import Step
from celeriac.store import Entry, Request, Store

RESTORE = "restore"
"""The kind of the rows that say which claims are being put back: written before, settled after."""
CHUNK = 50
"""Claims per row: what may have to be done again."""
ROWS = 100
"""Newest rows that are read for what was put back since a look."""
Fence = Callable[[], int]


class Restoring:
    """Carries out restores over one store and one broker."""

    def __init__(self, store: Store, broker: Broker) -> None:
        self._store = store
        self._broker = broker

    def restored_since(self, at: float) -> frozenset[Claim]:
        """What was put back from Unix time `at` on: a look from before still shows it as held."""
        rows = [row for row in self._store.requests(RESTORE, limit=ROWS).items if row.at >= at and row.outcome]
        told = ((claim, json.loads(row.outcome or "{}")) for row in rows for claim in _claims(row))
        return frozenset(claim for claim, outcomes in told if outcomes.get(claim.task_id) == "restored")

    def check(self) -> None:
        """Raises OtherBrokerError, so that nobody looks for the held messages of one broker at another, finds nothing,
        and takes them for given back; BrokerUnavailableError."""
        look = self._store.broker()
        if look is not None and not self._broker.was_looked_at(look):
            raise OtherBrokerError(
                f"the store's newest look was not at {self._broker.label}, or was before that broker started anew",
                hint="Give --broker and --store of one server, and let `celeriac serve` look once more",
            )

    def finish(self, fence: Fence, now: float) -> None:
        """Do what a rescuer before this one began: what it put back answers "restored" again."""
        rows = self._store.open_requests(RESTORE)
        if rows:
            self.check()
        for row in rows:
            self._carry_out(row, fence, now)

    def put_back(self, steps: Sequence[Step], by: str, fence: Fence, now: float) -> dict[str, str]:
        """The outcome of each step that has a claim, by task id: a RestoreOutcome, or why the broker refused."""
        claims = [step.claim for step in steps if step.claim is not None]
        outcomes: dict[str, str] = {}
        for start in range(0, len(claims), CHUNK):
            subject = json.dumps([asdict(claim) for claim in claims[start : start + CHUNK]])
            row = Request(self._store.request(RESTORE, subject, by, now), RESTORE, subject, by, now)
            outcomes |= self._carry_out(row, fence, now)
        return outcomes

    def _carry_out(self, row: Request, fence: Fence, now: float) -> dict[str, str]:
        """Restore the row's claims. Raises LeaseLostError; BrokerUnavailableError: then the row stays open."""
        number = fence()
        claims = _claims(row)
        outcomes = {claim.task_id: self._restore(claim, number) for claim in claims}
        entries = [Entry(now, row.by, RESTORE, task_id, outcome) for task_id, outcome in outcomes.items()]
        told = tuple(_told(claims, outcomes, row.at, now))
        self._store.acted(row.id, json.dumps(outcomes), entries, told, now)
        return outcomes

    def _restore(self, claim: Claim, fence: int) -> str:
        try:
            outcome = self._broker.restore(claim, fence)
        except BrokerUnavailableError:
            raise
        except BrokerError as error:
            return str(error)
        if outcome == "fenced":
            raise LeaseLostError("another rescuer has begun since", hint="It goes on with what is left")
        return outcome


def _claims(row: Request) -> list[Claim]:
    return [Claim(**one) for one in json.loads(row.subject)]


def _told(claims: Sequence[Claim], outcomes: dict[str, str], at: float, now: float) -> Iterator[Event]:
    for claim in claims:
        if outcomes[claim.task_id] == "restored":
            key = fingerprint("task-queued", claim.task_id, claim.tag, claim.since)
            yield Event(key, "task-queued", at, now, RECOVERY, task_id=claim.task_id, data={"delivery_tag": claim.tag})
