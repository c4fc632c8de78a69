"""A rescuer killed in the middle: the next one goes on, and each message is back once, with its audit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from time import time

import pytest

from celeriac.recovery.restoring import Restoring
from celeriac.store import Store
from lab.broker import opened
from lab.celery import TESTS
from lab.holding import holding
from lab.redis import RedisServer
from lab.rescuer import steps
from lab.wait import wait_until

pytestmark = pytest.mark.redis
COUNT = 400


def test_what_a_killed_rescuer_began_and_what_it_left_is_back_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/celeriac.db"
    with RedisServer() as redis, holding(redis.url) as holder, opened(redis.url) as broker:
        for number in range(COUNT):
            holder.publish(f"task-{number}")
        claims = [holder.take() for _ in range(COUNT)]
        client = redis.client()
        store = Store.open(url)
        try:
            first = subprocess.Popen(
                [sys.executable, "-m", "lab.rescuer", redis.url, url], stdin=subprocess.PIPE, cwd=TESTS, text=True
            )
            assert first.stdin is not None
            with first.stdin as orders:
                json.dump([asdict(one) for one in claims], orders)
            wait_until(lambda: client.llen("celery") > 20, 30, every=0.001, why="the first to be at it")
            first.kill()
            first.wait(10)
            assert 20 < client.llen("celery") < COUNT

            fence = store.lease("recover", "second", time() + 60, 10)
            assert fence is not None
            second = Restoring(store, broker)
            second.finish(lambda: fence, time())
            left = [one for one in claims if store.task(one.task_id) is None]
            second.put_back(steps(left), "second", lambda: fence, time())
            back = Counter(message["headers"]["id"] for message in holder.waiting())
            assert back == Counter(f"task-{number}" for number in range(COUNT))
            audited, after = Counter[str](), None
            while True:
                page = store.audit(after=after, limit=500)
                audited.update(one.subject for one in page.items)
                after = page.next
                if after is None:
                    break
            assert audited == back
        finally:
            store.close()
