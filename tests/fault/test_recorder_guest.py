"""Whatever fails in the recorder, tasks succeed and their worker lives and ends as it would alone."""

from __future__ import annotations

import uuid

import pytest

from lab.celery import Producer, Worker
from lab.redis import RedisServer
from lab.wait import wait_until

pytestmark = pytest.mark.redis

WORKER = "celeriac.worker."
FAULTS = {
    "begin": ("main:Main.__init__",),
    "wiring": ("flight:Flight.__init__", "recorder:Recorder._add"),
    "shipping": ("main:listen", "shipping:pack"),
    "watching": (
        "journal:Journal._child",
        "pulse:figures",
        "link:Link._read",
        "flight:Flight._round",
        "installation:Installation._connect",
    ),
    "noting": ("runs:Runs.accepted", "runs:Runs.ended", "main:queue_of", "buffer:Buffer.take"),
}
"""Together as far as one does not keep another from being reached."""


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_ours_harms_no_task(faults: tuple[str, ...]) -> None:
    conf = {"task_ignore_result": False}
    with RedisServer() as redis, Producer(redis.url, conf | {"result_backend": redis.url}) as producer:
        node = f"w-{uuid.uuid4().hex[:8]}@lab"
        settings = conf | {"result_backend": redis.url}
        env = {
            "LAB_FAULT": ",".join(WORKER + one for one in faults),
            "LAB_INSTALL": '{"heartbeat": 0.2, "memory_interval": 0.2}',
        }
        with Worker(redis.url, node=node, app="lab.recorded", conf=settings, env=env) as worker:
            good = [producer.send("late", 0.5), producer.send("spread", 3), producer.send("again", 1)]
            states = {**dict.fromkeys(good, "SUCCESS"), producer.send("boom"): "FAILURE"}

            def settled() -> bool:
                return {task: producer.app.AsyncResult(task).state for task in states} == states

            wait_until(settled, timeout=30, why=f"the results {states}")
            killed = producer.send("late", 60)
            wait_until(lambda: killed in str(producer.app.control.inspect([node]).active()), timeout=20)
            producer.app.control.revoke(killed, terminate=True)
            wait_until(lambda: str(producer.app.AsyncResult(killed).state) == "REVOKED", timeout=20)
            worker.term()
            assert worker.process.returncode == 0
            assert set((worker.directory / "faults").read_text(encoding="utf-8").split()) == {
                WORKER + one for one in faults
            }
