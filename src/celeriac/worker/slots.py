"""What kind of pool a worker has."""

from __future__ import annotations

from typing import Any


def name(pool: object) -> str:
    """A pool as `-P` calls it: `celery.concurrency.thread` is threads, the others are named like their module."""
    module = type(pool).__module__.rpartition(".")[2]
    return "threads" if module == "thread" else module


def forks(pool: Any) -> bool:
    """Whether tasks run in processes of their own (celery/concurrency/base.py: only that pool uses semaphores)."""
    return bool(pool.uses_semaphore)


def count(pool: Any) -> int | None:
    """How many tasks it can run at once; None when its processes are gone already, as at the end of a cold shutdown.

    `num_processes` follows a prefork pool that grows and shrinks; a gevent pool's is what is busy before Celery 5.7.
    """
    if not forks(pool):
        return int(pool.limit)
    return None if pool._pool is None else int(pool.num_processes)
