"""The judge is tried on a real system: a loss that nobody noticed, and a loss with a wrong cause, must fail it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from conservation.campaign import judge
from conservation.outside import PUBLISHES, read
from conservation.redis_broker import RedisBroker
from conservation.work import make_app
from conservation.world import World
from lab.wait import wait_until

pytestmark = pytest.mark.redis


def forge_success(world: World, task_id: str) -> None:
    """Say that it is done, as a worker of nobody's would."""
    app = make_app(world.broker.url())
    with closing(app), app.events.default_dispatcher("forged@lab") as dispatcher:
        dispatcher.send("task-succeeded", uuid=task_id, result="None", runtime=0.1)


def swap_cause(world: World, task_id: str, cause: str) -> None:
    """Write another cause into the store, behind the server's back."""
    with closing(sqlite3.connect(world.server.path, timeout=10)) as store, store:
        (data,) = store.execute(
            "SELECT data FROM events WHERE task_id = ? AND kind = 'task-lost'", [task_id]
        ).fetchone()
        changed = json.dumps(json.loads(data) | {"cause": cause})
        store.execute("UPDATE events SET data = ? WHERE task_id = ? AND kind = 'task-lost'", [changed, task_id])


def answer(world: World, task_id: str) -> tuple[str, str | None]:
    found = world.answers()[task_id]
    return found.verdict, found.cause


def rules(world: World) -> list[tuple[str, str]]:
    return sorted((one.rule, one.task_id) for one in judge(world).violations)


def test_an_undetected_loss_and_a_wrong_cause_are_found(tmp_path: Path) -> None:
    broker = RedisBroker(durable=True)
    with World(tmp_path, broker, hands=0) as world:
        assert world.publish(2, 20, seed=1).wait(timeout=60) == 0
        unseen, known = (one["id"] for one in read(tmp_path / PUBLISHES))
        wait_until(lambda: broker.stands() == {unseen, known}, why="both to stand in the broker")
        with world.struck("flush", None):
            broker.flush()
        forge_success(world, unseen)
        wait_until(lambda: answer(world, unseen) == ("succeeded", None), timeout=60, why="the lie to be believed")
        wait_until(lambda: answer(world, known) == ("lost", "flushed"), timeout=60, why="the loss to be declared")
        assert rules(world) == [("undetected loss", unseen)]
        swap_cause(world, known, "unroutable")
        wait_until(lambda: answer(world, known) == ("lost", "unroutable"), timeout=60, why="the swap to show")
        assert rules(world) == [("undetected loss", unseen), ("wrong cause", known)]
