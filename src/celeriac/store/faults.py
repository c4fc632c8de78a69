"""What goes wrong with a database, in Celeriac's words. Driver exceptions end here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from celeriac.errors import CeleriacError, StoreError, StoreUnavailableError, WireError
from celeriac.store import postgres_faults, sqlite_faults


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


def _of_driver(place: str, error: DBAPIError | sqlite3.Error) -> CeleriacError:
    driver = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(driver, sqlite3.Error):
        return sqlite_faults.explained(place, driver)
    return postgres_faults.explained(place, driver)
