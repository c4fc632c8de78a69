"""The user's result backend from its URL, read-only.

A STARTED result is written by the pool child (`task_track_started`), so it outlives an acknowledged message: after a
worker's death it is the only trace that names the task (celery/app/trace.py; key `celery-task-meta-<id>`).
"""

from __future__ import annotations

from celeriac.errors import UnsupportedByBrokerError
from celeriac.model.event import Event, fingerprint
from celeriac.model.outcome import Outcome
from celeriac.results.base import ResultBackend
from celeriac.results.database import DatabaseResults
from celeriac.results.redis import RedisResults
from celeriac.settings import ResultSettings

SOURCE = "result-backend"
TIMEOUT = 2.0
PAGES = 40
_REDIS = ("redis://", "rediss://", "redis+socket://")


def open_results(settings: ResultSettings) -> ResultBackend | None:
    """The reader of the backend in the settings, None without one; connects at the first use.

    Raises UnsupportedByBrokerError for a backend of a kind that cannot be read, ConfigError for a URL that is none.
    """
    if settings.url is None:
        return None
    return _reader(settings.url.get_secret_value(), settings.global_keyprefix)


def started_results(url: str, now: float) -> tuple[Event, ...]:
    """A `task-started` event, without a pid, for each STARTED result among the first 20,000 or so keys met.

    Raises UnsupportedByBrokerError and ConfigError as `open_results` does, BrokerUnavailableError and BrokerError as a
    broker look does.
    """
    backend = _reader(url, "")
    try:
        return tuple(_started(one, now) for one in backend.started(PAGES))
    finally:
        backend.close()


def _reader(url: str, prefix: str) -> ResultBackend:
    if url.startswith("db+"):
        return DatabaseResults(url, TIMEOUT)
    if not url.startswith(_REDIS):
        raise UnsupportedByBrokerError(
            "only result backends in Redis, Valkey, PostgreSQL and SQLite can be read",
            hint="Give redis://HOST:PORT/DB or db+postgresql://HOST/NAME, or leave the result backend out",
        )
    return RedisResults(url, prefix, TIMEOUT)


def _started(outcome: Outcome, now: float) -> Event:
    return Event(
        id=fingerprint("result", outcome.task_id, "STARTED"),
        kind="task-started",
        at=now,
        seen=now,
        source=SOURCE,
        worker=outcome.worker,
        task_id=outcome.task_id,
        data={"name": outcome.name},
    )
