"""The parked loop: messages that workers set aside, into the store; given up at the broker only after the commit."""

from __future__ import annotations

import json
from base64 import b64encode
from types import MappingProxyType

from celeriac.model.dead_letter import DeadLetter
from celeriac.model.event import LARGEST_PID, RECORDED, Event, fingerprint
from celeriac.store import Batch, Store
from celeriac.telemetry import JunkSeen, emit
from celeriac.transport import Delivery, Park

LIMIT = 50
"""Messages in one transaction."""
UNREADABLE = "unreadable"
_KEPT = ("payload", "deaths", "retries", "node")


class ParkedLoop:
    """One read, one transaction, one acknowledgement: what comes again after a crash changes nothing."""

    name = "parked"
    interval = 2.0

    def __init__(self, park: Park, store: Store) -> None:
        self._park = park
        self._store = store

    def step(self, now: float) -> bool:
        """Take in what was set aside. Raises TransportUnavailableError and StoreUnavailableError; it comes again."""
        found = self._park.read(LIMIT)
        if found:
            letters = tuple(_letter(one, now) for one in found)
            told = tuple(event for letter in letters if (event := _event(letter, now)) is not None)
            self._store.record(Batch(now, events=told, dead_letters=letters))
            self._park.acknowledge(tuple(one.tag for one in found))
        return len(found) >= LIMIT

    def close(self) -> None:
        """Release the transport."""
        self._park.close()


def _letter(delivery: Delivery, now: float) -> DeadLetter:
    """What nobody can read is kept as it is: it is in no other place."""
    try:
        said = json.loads(delivery.body)
        return DeadLetter(
            id=str(said["key"]),
            task_id=str(said["task_id"]),
            name=said.get("name"),
            queue=said.get("queue"),
            cause=str(said["cause"]),
            at=float(said["at"]),
            body=MappingProxyType({name: said.get(name) for name in (*_KEPT, "pid")}),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        emit(JunkSeen(1, f"set aside, and unreadable: {error}"))
        raw = b64encode(delivery.body).decode()
        letter_id = fingerprint("parked", raw)
        return DeadLetter(letter_id, None, None, None, UNREADABLE, now, body=MappingProxyType({"raw": raw}))


def _event(letter: DeadLetter, now: float) -> Event | None:
    """The worker's own word of it, once more: it may have died before it could say so. Told of the same instant and
    life, both are one mark (model/mark.py)."""
    pid = letter.body.get("pid")
    if letter.task_id is None or not isinstance(pid, int) or not 0 < pid <= LARGEST_PID:
        return None
    deaths = letter.body.get("deaths")
    count = len(deaths) if isinstance(deaths, list) else 0
    data = {"name": letter.name, "queue": letter.queue, "cause": letter.cause, "retries": letter.body.get("retries")}
    return Event(
        id=fingerprint("parked", letter.id),
        kind="task-parked",
        at=letter.at,
        seen=now,
        source=RECORDED,
        worker=str(letter.body.get("node") or ""),
        pid=pid,
        task_id=letter.task_id,
        data=MappingProxyType(data | {"because": f"it ended {count} processes, the last by {letter.cause}"}),
    )
