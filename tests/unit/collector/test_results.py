"""What the result loop makes of a look that failed."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from celeriac.collector.results import ResultLoop
from celeriac.errors import BrokerError, BrokerUnavailableError
from celeriac.store import Store

NOW = 1_000.0
REFUSED = BrokerUnavailableError("the password is refused", cause="auth")
FORBIDDEN = BrokerError("permission denied for table celery_taskmeta")


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store.open("sqlite://")
    yield store
    store.close()


def look(store: Store, error: BrokerError) -> None:
    def health() -> None:
        raise error

    backend: Any = SimpleNamespace(label="redis://results/1", ping="PING", health=health)
    with pytest.raises(type(error)):
        ResultLoop(backend, store, 2.0).step(NOW)


def test_a_backend_that_nobody_reaches_is_down(store: Store) -> None:
    look(store, BrokerUnavailableError("nothing listens there", cause="down"))
    (level,) = (one for one in store.view(NOW, one_shot=True).evidence if one.what == "result-backend")
    assert (level.data["cause"], level.data["reach"], level.data["since"]) == ("unreachable", "down", NOW)
    assert store.blind_spots() == ()


@pytest.mark.parametrize("error", [REFUSED, FORBIDDEN], ids=["password", "permission"])
def test_a_backend_that_refuses_us_alone_is_not_seen_and_not_down(store: Store, error: BrokerError) -> None:
    look(store, error)
    assert [one for one in store.view(NOW, one_shot=True).evidence if one.what == "result-backend"] == []
    assert [spot.why for spot in store.blind_spots()] == [str(error)]
