"""PostgreSQL's codes in our words: those that no test can bring about, or only at a cost."""

from __future__ import annotations

import pytest

from celeriac.errors import CeleriacError, StoreError, StoreUnavailableError, WireError
from celeriac.store.postgres_faults import explained


class OperationalError(Exception):
    """As psycopg raises it: a code, unless nobody could be reached."""

    def __init__(self, words: str, sqlstate: str | None = None) -> None:
        super().__init__(words)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        ("53100", StoreUnavailableError, "has no space left. Free space"),
        ("53300", StoreUnavailableError, "has too little left: words"),
        ("57P01", StoreUnavailableError, "is restarting"),
        ("57P03", StoreUnavailableError, "is restarting"),
        ("40P01", StoreUnavailableError, "gave way"),
        ("40001", StoreUnavailableError, "gave way"),
        ("08006", StoreUnavailableError, "was cut off"),
        ("58030", StoreUnavailableError, "cannot be written or read: words. Free space"),
        ("XX001", StoreError, "is damaged: words"),
        ("XX000", StoreError, "cannot do this: words"),
        ("42P01", StoreError, "lacks a table: words. Run: celeriac db check"),
        ("22003", WireError, "does not fit into the store: words"),
        ("54000", WireError, "does not fit into the store: words"),
    ],
)
def test_a_code_is_told_by_what_to_do(code: str, kind: type[CeleriacError], says: str) -> None:
    found = explained("postgresql://db/celeriac", OperationalError("words\nLINE 1: SELECT secret", code))

    assert type(found) is kind
    assert says in str(found)
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ('FATAL:  password authentication failed for user "lab"', "Check the user and the password"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "lab", no encryption', "Allow this host"),
        ("FATAL:  sorry, too many clients already", "Raise max_connections"),
        ("FATAL:  remaining connection slots are reserved for non-replication superuser connections", "Raise max_conn"),
        ("FATAL:  the database system is starting up", "It is starting"),
        ("Connection refused\n\tIs the server running on that host?", "Check that PostgreSQL runs"),
    ],
)
def test_a_refusal_without_a_code_is_told_by_its_words(words: str, hint: str) -> None:
    found = explained("postgresql://db/celeriac", OperationalError(f"connection failed: {words}"))

    assert type(found) is StoreUnavailableError
    assert found.hint.startswith(hint)
    assert "\n" not in str(found)
