"""Is anything wrong? The verdict in one sentence, then what it is made of."""

from __future__ import annotations

from typing import Any

from celeriac.api.views.freshness import fresh, freshness_json
from celeriac.api.views.incidents import ACTIVE, incident_row
from celeriac.api.views.queues import queue_rows
from celeriac.api.views.shape import Json, when
from celeriac.api.views.workers import worker_rows
from celeriac.model.ledger import Term
from celeriac.store import Store
from celeriac.store.query import fits

_SEVERITIES = ("critical", "warning", "info")


def overview(store: Store, now: float) -> Json:
    """One screen: verdict, headline, open incidents (worst first), queues, workers, broker, freshness, blind spots."""
    judged, gaps = fresh(store, now)
    wrong = sorted(_active(store), key=lambda row: (_SEVERITIES.index(row["severity"]), row["opened_at"] or ""))
    at = judged.as_of or now
    queued, working = queue_rows(store, at), worker_rows(store, at, stale=judged.stale)
    freshness = freshness_json(judged, gaps, store.sources(), now)
    return {
        **headline(wrong, queued, working, freshness),
        "as_of": when(judged.as_of),
        "stale": judged.stale,
        "incidents": wrong,
        "queues": queued,
        "workers": working,
        "worker_counts": _count(working),
        "last_finished": _last_finished(store),
        "broker": _broker(store),
        "freshness": freshness,
        "blind_spots": [
            {"what": spot.what, "why": spot.why, "would_add": spot.would_add} for spot in store.blind_spots()
        ],
    }


def headline(incidents: list[Json], queued: list[Json], working: list[Json], freshness: Json) -> Json:
    """The verdict, its sentence, and a second one that says what it rests on."""
    problems = [row for row in incidents if row["severity"] != "info"]
    blind = freshness["state"] in ("stale", "lost")
    if problems:
        worst, rests_on = problems[0], _more(len(problems) - 1, freshness if blind else None)
        return _verdict("problem", worst["summary"], rests_on, incident=worst["id"])
    if blind:
        return _verdict("unknown", "Cannot tell whether anything is wrong", f"{freshness['because']}.")
    if not working:
        return _verdict("unknown", "No worker has been heard yet", "Nothing can be said about work until one is.")
    alive = sum(row["state"] == "alive" for row in working)
    if not alive:
        return _verdict("unknown", "No worker is alive, and none is known to have died", _facts(queued, alive))
    said = "Nothing is wrong, and nothing is happening" if freshness["state"] == "idle" else "Nothing is wrong"
    return _verdict("healthy", said, _facts(queued, alive))


def _verdict(verdict: str, sentence: str, rests_on: str, incident: str | None = None) -> Json:
    return {"verdict": verdict, "headline": sentence, "because": rests_on, "headline_incident": incident}


def _more(count: int, blind: Json | None) -> str:
    said = f"And {count} more open problem{'s' if count > 1 else ''}." if count else "The only open problem."
    return f"{said} {blind['because']}: this may have changed." if blind else said


def _facts(queued: list[Json], alive: int) -> str:
    waiting = sum(row["ready"] for row in queued)
    oldest = max((row["oldest_age"] or 0.0 for row in queued), default=0.0)
    age = f", the oldest for {oldest:.0f} s" if waiting and oldest >= 1 else ""
    return f"{_plural(alive, 'worker')} alive, {waiting:,} waiting in {_plural(len(queued), 'queue')}{age}."


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _active(store: Store) -> list[Json]:
    return [incident_row(row.incident) for row in store.incidents(states=ACTIVE, limit=100).items]


def _count(working: list[Json]) -> dict[str, int]:
    return {
        state: sum(row["state"] == state for row in working)
        for state in ("alive", "silent", "dead", "stopped", "unknown")
    }


def _last_finished(store: Store) -> str | None:
    newest = store.tasks(fits("term", Term.SUCCEEDED), limit=1).items
    return when(newest[0].ended_at) if newest else None


def _broker(store: Store) -> dict[str, Any] | None:
    look = store.broker()
    if look is None:
        return None
    return {
        "kind": look.kind,
        "version": look.version,
        "role": look.role,
        "latency": look.latency,
        "memory_share": look.memory_share,
        "used_memory": look.used_memory,
        "max_memory": look.max_memory,
        "eviction_policy": look.eviction_policy,
        "persistence": look.persistence,
        "clients": look.clients,
        "held_count": look.held_count,
        "at": when(look.at),
    }
