"""What SQLite says, in Celeriac's words."""

from __future__ import annotations

import sqlite3

from celeriac.errors import StoreError, StoreUnavailableError

_AWAY = "Move it away or choose another with --store"


def not_a_store(place: str, why: str) -> StoreError:
    """The error for a file that is something else, or was damaged; the file itself is left as it is."""
    return StoreError(f"{place} is not a Celeriac store: {why}", hint=_AWAY)


def explained(place: str, error: sqlite3.Error) -> StoreError:
    """What `error` means for the store at `place`."""
    code, text = str(getattr(error, "sqlite_errorname", "")), str(error)
    if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return not_a_store(place, text)
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreUnavailableError(
            f"the store {place} is locked by another process", hint="Try again when it is done"
        )
    if code.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
        return StoreUnavailableError(
            f"the store {place} cannot be written or read: {text}", hint="Free space on its disk"
        )
    if code.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")):
        return StoreError(f"the store {place} cannot be opened for writing: {text}", hint="Check its permissions")
    return StoreError(f"the store {place} cannot do this: {text}")
