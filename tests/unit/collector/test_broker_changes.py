"""What two looks at a broker say happened between them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from celeriac.collector.broker_changes import changes
from celeriac.model.broker import BrokerLook
from lab.views import NOW, look

BEFORE = look(consumers=1, run_id="a", evicted_keys=3, flushes=0, refused=0, eviction_policy="allkeys-lru")


def after(**changed: Any) -> BrokerLook:
    return replace(BEFORE, at=BEFORE.at + 1, ended=BEFORE.ended + 1, **changed)


def kinds(before: BrokerLook | None, now: BrokerLook) -> list[str]:
    return [one.what for one in changes(before, now)]


def test_nothing_happened_between_two_like_looks() -> None:
    assert kinds(BEFORE, after()) == [] and kinds(None, after()) == []


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"run_id": "b"}, "broker-restarted"),
        ({"flushes": 1}, "broker-flushed"),
        ({"evicted_keys": 900}, "broker-evicted"),
        ({"refused": 2}, "broker-refused"),
        ({"consumers": ()}, "broker-connection-lost"),
    ],
)
def test_a_change_is_told_once(changed: dict[str, Any], what: str) -> None:
    assert kinds(BEFORE, after(**changed)) == [what]
    assert kinds(after(**changed), replace(after(**changed), at=NOW + 9)) == []


def test_what_could_not_be_seen_did_not_change() -> None:
    assert kinds(BEFORE, after(run_id=None, flushes=None, evicted_keys=None, refused=None, consumers=None)) == []


def test_a_restart_resets_the_counters_and_is_all_that_is_told() -> None:
    assert kinds(BEFORE, after(run_id="b", evicted_keys=0, consumers=())) == ["broker-restarted"]


def test_a_restart_is_told_at_the_time_the_server_began() -> None:
    (found,) = changes(BEFORE, after(run_id="b", started_at=BEFORE.at + 0.5))
    assert found.at == BEFORE.at + 0.5


def test_the_same_change_has_the_same_id_after_a_restart_of_ours() -> None:
    (one,), (other,) = changes(BEFORE, after(flushes=1)), changes(BEFORE, after(flushes=1))
    assert one.id == other.id
