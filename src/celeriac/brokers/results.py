"""A read-only look into the result backend: which tasks it says are running.

A STARTED result is written by the pool child (`task_track_started`), so it outlives an acknowledged message: after a
worker's death it is the only trace that names the task (celery/app/trace.py; key `celery-task-meta-<id>`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from celeriac.brokers.address import parse
from celeriac.brokers.redis_link import Link
from celeriac.errors import ConfigError
from celeriac.model.event import Event, fingerprint

PREFIX = "celery-task-meta-"
PAGES = 40
PAGE = 500
TIMEOUT = 2.0
SOURCE = "result-backend"


def started_results(url: str, now: float) -> tuple[Event, ...]:
    """A `task-started` event, without a pid, for each STARTED result among the first 20,000 or so keys met.

    Raises ConfigError for a backend that is not Redis, BrokerUnavailableError and BrokerError as a broker look does.
    """
    if not url.startswith(("redis://", "rediss://")):
        raise ConfigError(
            "only Redis result backends can be read yet",
            hint="Leave out --result-backend, or give redis://HOST:PORT/DB",
        )
    link = Link(parse(url), TIMEOUT)
    try:
        metas = (meta for page in _pages(link) for meta in _running(link, page))
        return tuple(_event(meta, now) for meta in metas)
    finally:
        link.close()


def _pages(link: Link) -> Iterator[list[bytes]]:
    cursor = b"0"
    for _ in range(PAGES):
        cursor, keys = link.ask("SCAN", cursor, "MATCH", f"{PREFIX}*", "COUNT", PAGE)
        if keys:
            yield keys
        if cursor == b"0":
            return


def _running(link: Link, keys: list[bytes]) -> Iterator[Mapping[str, Any]]:
    for value in link.ask("MGET", *keys):
        try:
            meta = json.loads(value or b"null")
        except ValueError:
            continue  # another serializer's result: not ours to read
        if isinstance(meta, dict) and meta.get("status") == "STARTED" and isinstance(meta.get("task_id"), str):
            yield meta


def _event(meta: Mapping[str, Any], now: float) -> Event:
    told = meta.get("result")
    worker = told.get("hostname") if isinstance(told, dict) else None
    return Event(
        id=fingerprint("result", meta["task_id"], "STARTED"),
        kind="task-started",
        at=now,
        seen=now,
        source=SOURCE,
        worker=worker if isinstance(worker, str) else None,
        task_id=meta["task_id"],
        data={"name": meta.get("name")},
    )
