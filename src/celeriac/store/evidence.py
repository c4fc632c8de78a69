"""Host evidence: levels by their newest look, edges for ever their own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import Connection, or_, select

from celeriac.model.evidence import LEVELS, Evidence
from celeriac.store.codec import pack, unpack
from celeriac.store.rows import find, put
from celeriac.store.schema import evidence

EDGES_LIMIT = 5_000


def add(connection: Connection, facts: Sequence[Evidence]) -> None:
    """Write `facts`; an older look at a level changes nothing."""
    newest: dict[str, Evidence] = {}
    for fact in facts:
        if fact.id not in newest or fact.at >= newest[fact.id].at:
            newest[fact.id] = fact
    kept = {
        row.id: row.at for row in find(connection, select(evidence.c.id, evidence.c.at), evidence.c.id, list(newest))
    }
    put(connection, evidence, [_row(fact) for fact in newest.values() if fact.at >= kept.get(fact.id, fact.at)])


def since(connection: Connection, at: float) -> tuple[Evidence, ...]:
    """Every level, and the newest `EDGES_LIMIT` edges at or after `at`; oldest first."""
    newest = (
        select(evidence.c.id)
        .where(evidence.c.level.is_(False), evidence.c.at >= at)
        .order_by(evidence.c.at.desc())
        .limit(EDGES_LIMIT)
    )
    found = (
        select(evidence.c.level, evidence.c.body)
        .where(or_(evidence.c.level, evidence.c.id.in_(newest)))
        .order_by(evidence.c.at, evidence.c.id)
    )
    return tuple(unpack(Evidence, row.body) if row.level else _edge(row.body) for row in connection.execute(found))


@lru_cache(EDGES_LIMIT)
def _edge(body: str) -> Evidence:
    """What never changes need not be read anew twice a second."""
    return unpack(Evidence, body)


def _row(fact: Evidence) -> dict[str, object]:
    return {"id": fact.id, "at": fact.at, "level": fact.what in LEVELS, "body": pack(fact)}
