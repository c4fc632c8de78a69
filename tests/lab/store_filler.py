"""A process that fills the disk under a store, makes room again, and goes on; prints what happened as JSON.

python -m lab.store_filler DIRECTORY        with a small file system mounted there
python -m lab.store_filler DIRECTORY BYTES  with a limit on the size of any file
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from celeriac.errors import StoreUnavailableError
from celeriac.store import Store
from lab.store_writer import batch, task_ids

BALLAST = 700 * 1024
BATCHES = 500


def main(folder: Path, limit: int | None) -> None:
    """Fill, free, go on, read all back."""
    free = _hold(folder) if limit is None else _limit(limit)
    store = Store.open(f"sqlite:///{folder / 'store.db'}")
    full_after, error = _until_full(store)
    free()
    for number in range(full_after, full_after + 3):
        store.record(batch(number))
    kept = {name: store.find_task_ids(task_ids(name)) for name in range(full_after + 3)}
    store.close()
    whole = sum(1 for number, found in kept.items() if set(found) == set(task_ids(number)))
    print(json.dumps({"full_after": full_after, "error": str(error), "kind": type(error).__name__, "whole": whole}))


def _until_full(store: Store) -> tuple[int, StoreUnavailableError]:
    for number in range(BATCHES):
        try:
            store.record(batch(number))
        except StoreUnavailableError as error:
            return number, error
    raise SystemExit(f"the disk took {BATCHES} batches and was not full")


def _hold(folder: Path) -> Callable[[], None]:
    ballast = folder / "ballast"
    ballast.write_bytes(b"\0" * BALLAST)
    return ballast.unlink


def _limit(size: int) -> Callable[[], None]:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
