"""Rescues: what was asked for and what came of it; and the audit of what was done."""

from __future__ import annotations

import json

from celeriac.api.views.freshness import fresh
from celeriac.api.views.shape import Json, listing, when
from celeriac.store import Request, Store

RESCUE = "rescue"
"""The kind of the request row by which somebody asks for a rescue; the recover loop owns it."""


def ask_rescue(store: Store, now: float, by: str, wish: Json) -> str:
    """Write the request; its id. `wish` has `worker`, `task`, `incident`, `republish` and `dry_run`, as far as set."""
    return store.request(RESCUE, json.dumps({name: value for name, value in wish.items() if value}), by, now)


def rescue(store: Store, request_id: str) -> Json | None:
    """One rescue; None when there is none of that id."""
    asked = store.asked(request_id)
    return None if asked is None or asked.kind != RESCUE else _rescue(asked)


def rescues(store: Store, now: float, *, after: str | None = None, limit: int = 50) -> Json:
    """What was asked for, the newest first."""
    judged, gaps = fresh(store, now)
    page = store.requests(RESCUE, after=after, limit=limit)
    return listing((_rescue(one) for one in page.items), judged, gaps, after=page.next)


def audit(store: Store, now: float, *, subject: str | None = None, after: str | None = None, limit: int = 50) -> Json:
    """What was done to the user's system, the newest first."""
    judged, gaps = fresh(store, now)
    page = store.audit(subject, after=after, limit=limit)
    rows = (
        {"at": when(one.at), "by": one.by, "act": one.act, "subject": one.subject, "outcome": one.outcome}
        for one in page.items
    )
    return listing(rows, judged, gaps, after=page.next)


def _rescue(asked: Request) -> Json:
    wish = json.loads(asked.subject)
    return {
        "id": asked.id,
        "by": asked.by,
        "at": when(asked.at),
        "dry_run": wish.get("dry_run", False),
        "wish": wish,
        "settled_at": when(asked.settled_at),
        "outcome": None if asked.outcome is None else json.loads(asked.outcome),
    }
