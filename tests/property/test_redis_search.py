"""A search of a Redis that moves while it is read never calls absent what stood there all the time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from celeriac.brokers import redis_list
from celeriac.brokers.redis_discovery import Discovery
from celeriac.brokers.redis_keys import Keys
from celeriac.brokers.redis_pass import Known, Pass
from celeriac.model.sighting import Search, Wanted

QUEUES = ("a", "b")
STEPS = 2


class Movement:
    """A broker's lists and unacknowledged messages, moved by what kombu's producers and consumers do."""

    def __init__(self, random: Random, waiting: int) -> None:
        self.random = random
        self.lists: dict[bytes, list[bytes]] = {queue.encode(): [] for queue in QUEUES}
        self.unacked: dict[bytes, bytes] = {}
        self.sockets: list[tuple[bytes, bytes]] = []
        self.published = 0
        self.missed: set[str] = set()
        for _ in range(waiting):
            self.publish()

    def publish(self) -> None:
        raw = _message(f"t{self.published}", redelivered=False)
        self.published += 1
        self.lists[self._queue()].insert(0, raw)

    def pop(self) -> None:
        queue = self._queue()
        if self.lists[queue]:
            self.sockets.append((queue, self.lists[queue].pop()))

    def note(self) -> None:
        if self.sockets:
            queue, raw = self.sockets.pop(0)
            tag = json.loads(raw)["properties"]["delivery_tag"].encode()
            self.unacked[tag] = json.dumps([json.loads(raw), "", queue.decode()]).encode()

    def take(self) -> None:
        self.pop()
        self.note()

    def acknowledge(self) -> None:
        if self.unacked:
            del self.unacked[self.random.choice(list(self.unacked))]

    def restore(self) -> None:
        self._put_back(leftmost=False)

    def requeue(self) -> None:
        self._put_back(leftmost=True)

    def move(self, most: int) -> None:
        acts = (self.publish, self.pop, self.note, self.take, self.take, self.acknowledge, self.restore, self.requeue)
        for _ in range(self.random.randint(0, most)):
            self.random.choice(acts)()
            self.watch()

    def watch(self) -> None:
        self.missed |= {f"t{number}" for number in range(self.published)} - self.present()

    def present(self) -> set[str]:
        waiting = [json.loads(raw) for raws in self.lists.values() for raw in raws]
        return {one["headers"]["id"] for one in (*waiting, *(json.loads(raw)[0] for raw in self.unacked.values()))}

    def answer(self, command: tuple[Any, ...]) -> Any:
        match command:
            case ("LLEN", key):
                return len(self.lists.get(key, ()))
            case ("LRANGE", key, start, stop):
                return _range(self.lists.get(key, []), start, stop)
            case ("HLEN", _):
                return len(self.unacked)
            case ("HKEYS", _):
                return list(self.unacked)
            case ("HMGET", _, *tags):
                return [self.unacked.get(tag) for tag in tags]
            case ("EXISTS", *keys):
                return sum(1 for key in keys if self.lists.get(key))
        raise AssertionError(command)

    def _put_back(self, *, leftmost: bool) -> None:
        if not self.unacked:
            return
        raw = self.unacked.pop(self.random.choice(list(self.unacked)))
        wire, _, queue = json.loads(raw)
        wire["headers"]["redelivered"] = True
        waiting = self.lists[queue.encode()]
        waiting.insert(0 if leftmost else len(waiting), json.dumps(wire).encode())

    def _queue(self) -> bytes:
        return self.random.choice(list(self.lists))


def _message(task_id: str, *, redelivered: bool) -> bytes:
    properties = {"correlation_id": task_id, "delivery_tag": f"tag-{task_id}"}
    return json.dumps({"headers": {"id": task_id, "redelivered": redelivered}, "properties": properties}).encode()


def _range(items: list[bytes], start: int, stop: int) -> list[bytes]:
    """LRANGE (redis.io/commands/lrange): both ends belong to it, negative ones count from the right."""
    first = max(0, start + len(items) if start < 0 else start)
    last = stop + len(items) if stop < 0 else stop
    return items[first : last + 1] if last >= 0 else []


def _searched(broker: Movement, wanted: set[str], most: int) -> Search:
    discovery = Discovery(Keys("", 0), 100)
    discovery.watch(QUEUES)
    run = Pass(Known(Keys("", 0), discovery), Wanted(dict.fromkeys(sorted(wanted), "a")), began=0.0)
    run.affordable = float("inf")
    walk = run.walk()
    replies: list[Any] | None = None
    for _ in range(3_000):
        try:
            commands = next(walk) if replies is None else walk.send(replies)
        except StopIteration:
            return run.told(done=True)
        replies = _exchange(broker, commands, most)
    raise AssertionError("the search never ends")


def _exchange(broker: Movement, commands: Any, most: int) -> list[Any]:
    """Commands of a MULTI see one moment; between others the broker moves."""
    if commands[0] == ("MULTI",):
        broker.move(most)
        return ["OK", [broker.answer(one) for one in commands[1:-1]]]
    replies = []
    for command in commands:
        broker.move(most)
        replies.append(broker.answer(command))
    return replies


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_list, "FIRST_PAGE", 3)
    monkeypatch.setattr(redis_list, "MAX_PAGE", 6)


def _moves() -> Iterator[int]:
    yield from (0, 1, 3, 8)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), waiting=st.integers(0, 60), most=st.sampled_from([*_moves()]))
def test_absent_is_only_what_was_nowhere_at_some_moment(seed: int, waiting: int, most: int) -> None:
    broker = Movement(Random(seed), waiting)
    broker.move(40)
    broker.missed.clear()
    before = broker.present()
    broker.watch()
    wanted = {f"t{number}" for number in range(broker.published)} | {"never"}
    search = _searched(broker, wanted, most)
    assert search.absent & before <= broker.missed
    assert search.found.keys() | search.absent | search.unsure.keys() == wanted


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), waiting=st.integers(0, 60))
def test_a_broker_at_rest_leaves_nothing_unsure(seed: int, waiting: int) -> None:
    broker = Movement(Random(seed), waiting)
    wanted = {f"t{number}" for number in range(broker.published)}
    search = _searched(broker, wanted | {"never"}, 0)
    assert set(search.found) == wanted
    assert search.absent == {"never"}
    assert not search.unsure
