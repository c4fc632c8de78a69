"""What PostgreSQL says, in Celeriac's words, by its codes (postgresql.org/docs/current/errcodes-appendix.html).

A failure to connect has no code, only words (psycopg/generators.py, `_connect`), and is always a reason to try again:
what was collected waits, whatever is being done to the server.
"""

from __future__ import annotations

from celeriac.errors import CeleriacError, StoreError, StoreUnavailableError, WireError

_AGAIN = "Try again"
_AWAY = "Check that PostgreSQL runs there, and the address in store.url"
_DISK = "Free space on the disk of PostgreSQL"
_UNREACHED = (
    ("database system", "It is starting or stopping: try again in a moment"),
    ("password authentication failed", "Check the user and the password in store.url"),
    ("no password supplied", "Check the user and the password in store.url"),
    ("pg_hba.conf", "Allow this host, user and database in pg_hba.conf"),
    ("role ", "Create the user, or name another in store.url"),
    ("database ", "Create the database, or name another in store.url"),
    ("too many clients", "Raise max_connections; Celeriac takes up to 9"),
    ("connection slots", "Raise max_connections; Celeriac takes up to 9"),
    ("certificate", "Check sslmode and sslrootcert in store.url"),
)
"""What the words of a refusal hold, and what to do then; the first that fits."""
_FOR_NOW = {
    "08": ("was cut off", _AWAY),
    "53100": ("has no space left", _DISK),
    "53": ("has too little left: {text}", "See the log of PostgreSQL"),
    "25006": ("is read-only", "Name the primary in store.url, not a replica"),
    "25P03": ("ended a transaction that did nothing for too long", _AGAIN),
    "40": ("gave way to another transaction", _AGAIN),
    "55P03": ("is locked by another process", "Try again when it is done"),
    "57014": ("did not answer in time", _AGAIN),
    "57": ("is restarting", "It is starting or stopping: try again in a moment"),
    "58": ("cannot be written or read: {text}", _DISK),
}
_FOR_GOOD = {
    "42501": ("cannot be used by this user: {text}", "GRANT CREATE, USAGE ON SCHEMA to it, or make it the owner"),
    "42P01": ("lacks a table: {text}", "Run: celeriac db check"),
    "42703": ("lacks a column: {text}", "Run: celeriac db check"),
    "XX001": ("is damaged: {text}", "See the log of PostgreSQL; restore it from a backup"),
    "XX002": ("has a damaged index: {text}", "REINDEX it, and see the log of PostgreSQL"),
}
_VALUES = ("22", "54")
"""What a value is at fault for: it is of another type or alphabet, too great, or too long for an index."""


def explained(place: str, error: BaseException | None) -> CeleriacError:
    """What `error` means for the store at `place`."""
    code, words = getattr(error, "sqlstate", None), _line(error)
    if code is None:
        return _without_code(place, error, words)
    if code.startswith(_VALUES):
        return WireError(f"a value does not fit into the store: {words}")
    for kind, table in ((StoreUnavailableError, _FOR_NOW), (StoreError, _FOR_GOOD)):
        for start, (what, hint) in table.items():
            if code.startswith(start):
                return kind(f"the store {place} {what.format(text=words)}", hint=hint)
    return StoreError(f"the store {place} cannot do this: {words}")


def _without_code(place: str, error: BaseException | None, words: str) -> CeleriacError:
    if type(error).__name__ == "DataError":
        return WireError(f"a value does not fit into the store: {words}")
    if type(error).__name__ not in ("OperationalError", "InterfaceError", "ConnectionTimeout"):
        return StoreError(f"the store {place} cannot do this: {words}")
    hint = next((hint for part, hint in _UNREACHED if part in words), _AWAY)
    return StoreUnavailableError(f"the store {place} cannot be reached: {words}", hint=hint)


def _line(error: BaseException | None) -> str:
    """The first line that says something; what follows repeats the statement or the other addresses tried."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    lines = [line.strip() for line in str(primary or error).splitlines() if line.strip()]
    refused = [line.partition("FATAL:")[2].strip() for line in lines if "FATAL:" in line]
    return (refused or lines or ["no reason was given"])[0].rstrip(".")
