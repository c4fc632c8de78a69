"""How fresh everything is: the judgement, source by source."""

from __future__ import annotations

from celeriac.api.freshness import Freshness, Traffic, judge
from celeriac.api.views.shape import GAP_WINDOW, Json, gap_json, when
from celeriac.model.gap import Gap
from celeriac.model.source import SourceMark
from celeriac.model.worker import Worker
from celeriac.store import Store, TaskQuery

ALIVE_WITHIN = 60.0
"""Seconds within which a worker's figures still say whether it is busy."""


def fresh(store: Store, now: float) -> tuple[Freshness, tuple[Gap, ...]]:
    """The judgement at `now`, and the holes of the last hour."""
    gaps = store.gaps(now - GAP_WINDOW)
    return judge(store.sources(), store.watermark(), gaps, _traffic(store, now), now), gaps


def freshness(store: Store, now: float) -> Json:
    """The judgement in public form."""
    judged, gaps = fresh(store, now)
    return freshness_json(judged, gaps, store.sources(), now)


def freshness_json(judged: Freshness, gaps: tuple[Gap, ...], sources: tuple[SourceMark, ...], now: float) -> Json:
    """`judged` in public form, with every source."""
    return {
        "state": judged.state,
        "because": judged.because,
        "as_of": when(judged.as_of),
        "age": judged.age,
        "sources": [source_json(source, now) for source in sources],
        "gaps": [gap_json(gap) for gap in gaps],
    }


def source_json(source: SourceMark, now: float) -> Json:
    """One source: live, failing (the newest read raised) or silent (no read for long)."""
    never = source.mark <= 0
    return {
        "name": source.name,
        "state": "failing" if source.error else "live" if source.live(now) else "silent",
        "mark": None if never else when(source.mark),
        "age": None if never else max(0.0, now - source.mark),
        "error": source.error,
        "cause": source.cause,
        "failing_since": when(source.failing_since),
    }


def _traffic(store: Store, now: float) -> Traffic:
    newest = store.tasks(TaskQuery(), limit=1).items
    queues = store.queues(now - ALIVE_WITHIN)
    return Traffic(
        newest=newest[0].updated_at if newest else None,
        active=_active(store.workers(), now),
        ready=sum(queue.latest.ready for queue in queues) if store.broker() else None,
    )


def _active(workers: tuple[Worker, ...], now: float) -> int | None:
    """Tasks running on workers heard of lately; None when one of them does not say."""
    heard = [worker for worker in workers if now - worker.heartbeat_seen <= ALIVE_WITHIN]
    if any(worker.active is None for worker in heard):
        return None
    return sum(worker.active or 0 for worker in heard)
