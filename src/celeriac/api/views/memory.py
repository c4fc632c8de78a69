"""Memory: what tasks of each name take, and which brings its worker nearest to its limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from celeriac.api.views.shape import Json, when
from celeriac.model.evidence import Evidence
from celeriac.store import Store

POOL = "pool-memory"
_CHILD = ("pid", "rss", "cpu", "task_id", "task_name")


def memory(store: Store, _now: float) -> Json:
    """Every task name whose memory was seen in the last week, the one nearest to its worker's limit first."""
    as_of = store.watermark()
    limits = {node: _bytes(level, "limit") for node, level in pools(store.evidence(as_of)).items()}
    rows = [
        {
            "name": one.name,
            "tasks": one.tasks,
            "p50": one.p50,
            "p95": one.p95,
            "max": one.max,
            "worker": one.worker,
            "limit": limits.get(one.worker or ""),
            "share": _share(one.max, limits.get(one.worker or "")),
        }
        for one in store.memory()
    ]
    return {"names": sorted(rows, key=_nearest), "as_of": when(as_of or None)}


def limit_of(store: Store, worker: str | None) -> int | None:
    """The memory limit over a worker's processes, as its recorder last told it; None when not known."""
    level = pools(store.evidence(store.watermark())).get(worker or "")
    return None if level is None else _bytes(level, "limit")


def pools(evidence: Iterable[Evidence]) -> Mapping[str, Evidence]:
    """The newest look at each worker's pool, by node name."""
    return {node: one for one in evidence if one.what == POOL for node in one.nodes}


def pool_json(level: Evidence) -> Json:
    """One worker's memory in public form: its main, each child, and the limit of the group they share. What a group
    without a limit uses is often its whole host's, so that `rss`, the sum of the processes, says more."""
    told: Any = level.data.get("children") or ()
    children = [dict(zip(_CHILD, child, strict=False)) for child in told]
    sizes = [child["rss"] for child in children if child["rss"]]
    main = _bytes(level, "main_rss")
    return {
        "at": when(level.at),
        "main_rss": main,
        "rss": None if main is None else main + sum(sizes),
        "largest": max(sizes, default=None),
        "children": children,
        "limit": _bytes(level, "limit"),
        "usage": _bytes(level, "usage"),
        "baseline": _bytes(level, "baseline"),
        "trend": level.data.get("trend"),
    }


def _bytes(level: Evidence, key: str) -> int | None:
    value = level.number(key)
    return None if value is None else int(value)


def _share(peak: int, limit: int | None) -> float | None:
    return round(peak / limit, 4) if limit else None


def _nearest(row: Json) -> tuple[float, int, str]:
    return -(row["share"] or 0.0), -row["max"], row["name"]
