"""The address of a result backend in a database."""

from __future__ import annotations

import pytest

from celeriac.errors import ConfigError, UnsupportedByBrokerError
from celeriac.results.database import DatabaseResults


@pytest.mark.parametrize("url", ["db+postgresql://h:port/x", "db+://", "db+postgresql"])
def test_what_is_no_address_is_a_fault_of_the_settings(url: str) -> None:
    with pytest.raises(ConfigError, match="no URL"):
        DatabaseResults(url, 2.0)


def test_a_database_in_memory_is_nobodys_backend() -> None:
    with pytest.raises(UnsupportedByBrokerError):
        DatabaseResults("db+sqlite://", 2.0)


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("db+postgresql://ada:secret@db-1:5433/celery?sslpassword=secret", "postgresql://ada:***@db-1:5433/celery"),
        ("db+sqlite:////srv/results.db", "sqlite:////srv/results.db"),
    ],
)
def test_it_is_named_as_it_was_given_and_without_a_secret(url: str, label: str) -> None:
    assert DatabaseResults(url, 2.0).label == label
