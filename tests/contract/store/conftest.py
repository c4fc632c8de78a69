"""The store in every form it comes in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from celeriac.store import Store
from lab.postgres import PostgresServer

HISTORY = """
INSERT INTO tasks (id, name, state, queue, published_at, updated_at, rest, term, group_id, eta_at, doubled)
SELECT 'task' || n, 'lab.name' || n % 40,
       CASE WHEN n % 200 = 0 THEN 'started' WHEN n % 50 = 0 THEN 'failed' ELSE 'succeeded' END,
       'celery', n / 10.0, n / 10.0, '[[],false,null,null,null,null,null]',
       CASE WHEN n % 400 = 0 THEN 'waiting' WHEN n % 200 = 0 THEN 'running' ELSE 'succeeded' END,
       CASE WHEN n % 100 = 0 THEN 'group' || n END, CASE WHEN n % 500 = 0 THEN n / 10.0 END, n % 1000 = 0
FROM generate_series(1, 100000) AS n
"""


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer) -> str:
    """An empty store's database, to be copied."""
    name = postgres.create()
    Store.open(postgres.url(name)).close()
    return name


@pytest.fixture(scope="session")
def history(postgres: PostgresServer, migrated: str) -> Iterator[Engine]:
    """A PostgreSQL that holds enough for its planner to have a choice."""
    name = postgres.create(like=migrated)
    postgres.ask(HISTORY, name)
    postgres.ask("VACUUM ANALYZE", name)
    engine = create_engine(postgres.url(name).replace(":", "+psycopg:", 1), poolclass=NullPool)
    yield engine
    engine.dispose()
    postgres.drop(name)


@pytest.fixture(params=["file", "memory", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "postgres":
        with _copied(request.getfixturevalue("postgres"), request.getfixturevalue("migrated")) as opened:
            yield opened
        return
    url = "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path / 'store.db'}"
    opened = Store.open(url)
    yield opened
    opened.close()


@contextmanager
def _copied(server: PostgresServer, name: str) -> Iterator[Store]:
    own = server.create(like=name)
    opened = Store.open(server.url(own))
    try:
        yield opened
    finally:
        opened.close()
        server.drop(own)
