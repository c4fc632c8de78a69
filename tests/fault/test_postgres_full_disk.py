"""A full disk under PostgreSQL: one clear, retryable error; nothing committed is lost; with space again it goes on."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from celeriac.errors import StoreUnavailableError
from celeriac.store import Batch, Store
from lab.lifecycle import life
from lab.need import need, need_root
from lab.postgres import PostgresServer

pytestmark = pytest.mark.postgres
SMALL = (
    'mkdir -p "$LAB_DIRECTORY/small" && '
    'mount -t tmpfs -o size=24m,mode=700,uid="$(id -u postgres)" tmpfs "$LAB_DIRECTORY/small" && exec "$@"'
)
BATCHES = 200


def _batch(number: int) -> Batch:
    """A task with 200 kB of noise, which no compression makes small."""
    first, *rest = life(f"t{number}", 1_000.0 + number)
    noisy = replace(first, data={**first.data, "payload": secrets.token_hex(100_000)})
    return Batch(now=1_000.0 + number, events=(noisy, *rest))


def test_a_full_disk_loses_nothing_and_is_written_again_with_space() -> None:
    need_root("mounting a small file system")
    with PostgresServer(under=(need("unshare"), "--mount", "sh", "-c", SMALL, "sh")) as server:
        server.ask(f"CREATE TABLESPACE small LOCATION '{server.directory}/small'")
        server.ask("CREATE DATABASE full_disk TABLESPACE small")
        server.ask("CREATE TABLE ballast AS SELECT repeat('x', 700) FROM generate_series(1, 6000)", "full_disk")
        store = Store.open(server.url("full_disk"))
        try:
            with pytest.raises(StoreUnavailableError, match=r"has no space left\. Free space") as full:
                for number in range(BATCHES):
                    store.record(_batch(number))
            kept = store.task_counts()["succeeded"]
            assert kept > 0
            assert "\n" not in str(full.value)
            server.ask("DROP TABLE ballast", "full_disk")
            store.record(_batch(kept))
            assert store.find_task_ids([f"t{number}" for number in range(kept + 1)]).keys() == {
                f"t{number}" for number in range(kept + 1)
            }
        finally:
            store.close()
