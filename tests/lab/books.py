"""A store whose ledger has something in every kind of term."""

from __future__ import annotations

from celeriac.model.event import RECORDED, Event, fingerprint
from celeriac.model.ledger import Declaration, Term
from celeriac.model.source import SourceMark
from celeriac.model.worker import Worker
from celeriac.store import Batch, Store
from lab.dashboard import NODE, NOW, look

STEPS = {
    "waiting": (),
    "reserved": ("received",),
    "running": ("received", "started"),
    "succeeded": ("received", "started", "succeeded"),
    "failed": ("received", "started", "failed"),
    "revoked": ("revoked",),
}
SOURCES = ("broker", "events", "record")


def told(kind: str, task_id: str, at: float, **data: object) -> Event:
    """A recorder's word."""
    node, pid = ("gen1@web-9", 77) if kind == "task-sent" else (NODE, 4121)
    return Event(fingerprint(kind, task_id, at), kind, at, at, RECORDED, node, pid, task_id, data)


def story(task_id: str, term: str, at: float, name: str = "exports.csv", *, sent: bool = True) -> tuple[Event, ...]:
    """A task that came as far as `term`."""
    first = (told("task-sent", task_id, at, name=name, queue="celery", retries=0),) if sent else ()
    rest = tuple(
        told(f"task-{step}", task_id, at + index + 1, name=name, retries=0) for index, step in enumerate(STEPS[term])
    )
    return (*first, *rest)


def fill_books(store: Store, now: float = NOW) -> None:
    """103 tasks in nine terms, two of them with no publish on record."""
    many = {"waiting": 20, "reserved": 4, "running": 3, "succeeded": 60, "failed": 5, "revoked": 2}
    events = [
        one
        for term, tasks in many.items()
        for index in range(tasks)
        for one in story(f"{term}-{index}", term, now - 300, "mail.send" if index % 3 else "exports.csv")
    ]
    for term, number in (("lost", 2), ("held", 4), ("unknown", 1)):
        for index in range(number):
            events += story(f"{term}-{index}", "waiting" if term == "unknown" else "reserved", now - 200)
    for index in range(2):
        events += story(f"early-{index}", "succeeded", now - 250, sent=False)
    marks = tuple(SourceMark(name, now) for name in SOURCES)
    worker = Worker(NODE, 4121, now - 600, now, now, task_event_seen=now, recorded_at=now)
    store.record(Batch(now, tuple(events), look=look(now, 21), workers=(worker,), marks=marks))
    judged = [
        Declaration(f"{term}-{index}", Term(term), cause, because, now - 100)
        for term, number, cause, because in (
            ("lost", 2, "early-ack", f"it ran on {NODE}, which was killed"),
            ("held", 4, "prefetched", f"{NODE}, which is dead, holds it"),
            ("unknown", 1, "", "the backlog of celery is too deep to look through"),
        )
        for index in range(number)
    ]
    store.declare(judged, now)
