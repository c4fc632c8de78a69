"""What goes wrong with a database, in Celeriac's words. Driver exceptions end here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from celeriac.errors import CeleriacError, StoreError, StoreUnavailableError, WireError

_AWAY = "Move it away or choose another with --store"


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Raise what the driver raises about the store at `place` as a StoreError, or as a WireError when it is a value
    that no database can hold (a lone surrogate, an integer of more than 64 bits)."""
    try:
        yield
    except CeleriacError:
        raise
    except (UnicodeEncodeError, OverflowError) as error:
        raise WireError(f"a value does not fit into the store: {error}") from error
    except PoolTimeoutError as error:
        raise StoreUnavailableError(
            f"the store {place} is busy: every connection is in use", hint="Try again"
        ) from error
    except (DBAPIError, sqlite3.Error) as error:
        raise _of_driver(place, error) from error
    except StatementError as error:
        raise WireError(f"a value does not fit into the store: {error.orig}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"the store {place} cannot do this: {error}") from error


def not_a_store(place: str, why: str) -> StoreError:
    """The error for a file that is something else, or was damaged; the file itself is left as it is."""
    return StoreError(f"{place} is not a Celeriac store: {why}", hint=_AWAY)


def _of_driver(place: str, error: DBAPIError | sqlite3.Error) -> StoreError:
    driver = error.orig if isinstance(error, DBAPIError) else error
    code = str(getattr(driver, "sqlite_errorname", ""))
    text = str(driver)
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
