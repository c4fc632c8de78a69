"""What two looks at a broker say happened between them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from celeriac.collector.broker_changes import changes, remembered
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


@pytest.mark.parametrize(("began", "at"), [(None, 1.0), (0.3, 0.3), (-0.5, 0.0), (1.5, 1.0)])
def test_a_flush_is_told_at_the_time_the_next_record_began(began: float | None, at: float) -> None:
    since = None if began is None else BEFORE.at + began
    (found,) = changes(BEFORE, after(flushes=1, record_since=since))
    assert found.at == BEFORE.at + at


def test_a_flush_that_left_our_record_alone_was_of_another_database() -> None:
    assert kinds(BEFORE, after(flushes=1, record_since=BEFORE.at - 60.0)) == []


def test_the_same_change_has_the_same_id_after_a_restart_of_ours() -> None:
    (one,), (other,) = changes(BEFORE, after(flushes=1)), changes(BEFORE, after(flushes=1))
    assert one.id == other.id


@pytest.mark.parametrize("left", [{"other": 9}, {"celery": 4, "other": 9}])
def test_a_queue_that_is_gone_or_took_fewer_messages_than_before_was_deleted(left: dict[str, int]) -> None:
    before = after(published={"celery": 5, "other": 9})
    (found,) = changes(before, replace(before, at=NOW + 9, published=left))
    assert (found.what, found.text("queue")) == ("broker-queue-deleted", "celery")


def test_a_queue_that_took_more_messages_is_the_same() -> None:
    before = after(published={"celery": 5})
    assert changes(before, replace(before, at=NOW + 9, published={"celery": 6, "new": 1})) == ()


def test_what_a_look_could_not_see_is_compared_with_when_it_was_last_seen() -> None:
    seen = after(published={"celery": 5})
    blind = remembered(seen, replace(seen, at=NOW + 9, run_id=None, published=None))
    assert kinds(blind, replace(seen, at=NOW + 10, run_id="b")) == ["broker-restarted"]
    assert kinds(blind, replace(seen, at=NOW + 10, published={})) == ["broker-queue-deleted"]
    assert remembered(None, seen) == seen


def test_a_restart_is_told_at_the_time_the_server_began_though_its_name_was_seen_later() -> None:
    blind = remembered(BEFORE, replace(BEFORE, at=BEFORE.at + 4, run_id=None))
    (found,) = changes(blind, replace(BEFORE, at=BEFORE.at + 5, run_id="b", started_at=BEFORE.at + 1))
    assert found.at == BEFORE.at + 1


def test_fewer_messages_are_no_deleted_queue_while_the_server_does_not_say_which_life_it_is() -> None:
    before = after(published={"celery": 5})
    nameless = replace(before, at=NOW + 9, run_id=None, published={"celery": 1})
    assert changes(before, nameless) == ()
    assert kinds(remembered(before, nameless), replace(nameless, at=NOW + 10, run_id="b")) == ["broker-restarted"]
