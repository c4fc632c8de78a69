"""One line in a web process or a script: every publish is on record, and the caller never notices."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery.app.defaults import NAMESPACES

from celeriac.model.event import Event
from lab.celery import Worker
from lab.need import lack, need_module
from lab.record import Record, record
from lab.redis import RedisServer
from lab.script import Script, run

pytestmark = pytest.mark.redis


@pytest.fixture
def told(redis: RedisServer) -> Iterator[Record]:
    redis.client().flushall()
    with record(redis.url) as read:
        yield read


def sent(told: Record) -> dict[str, Event]:
    return {str(event.task_id): event for event in told.events if event.kind == "task-sent"}


def unpublished(told: Record) -> None:
    told.until(lambda: any(event.kind == "task-unpublished" for event in told.events))


def whole(told: Record) -> bool:
    return all(told.holes(parcel.sender.node) == {} and told.closed(parcel.sender.node) for parcel in told.parcels)


def test_a_script_that_ends_at_once_leaves_every_publish_on_record(redis: RedisServer, told: Record) -> None:
    facts = run(
        """
        celeriac.install(app)
        ids = [app.send_task("lab.login", args=(n,), kwargs={"password": "hunter2"}).id for n in range(3)]
        later = app.send_task("lab.nap", args=(1,), countdown=60, expires=90, queue="slow", task_id="mine").id
        tell(ids=ids, later=later, pid=os.getpid())
        """,
        broker=redis.url,
    )
    told.until(lambda: len(sent(told)) == 4 and whole(told))
    first = sent(told)[facts["ids"][0]]
    assert (first.data["name"], first.data["queue"], first.data["args"]) == ("lab.login", "celery", "(0,)")
    assert first.data["kwargs"] == "{'password': '[redacted]'}"
    assert first.data["root_id"] == facts["ids"][0]
    later = sent(told)["mine"]
    assert (later.data["queue"], facts["later"]) == ("slow", "mine")
    assert later.data["eta"]
    assert later.data["expires"]
    assert told.parcels[0].sender.role == "producer"
    assert (first.pid, first.worker) == (facts["pid"], f"gen{facts['pid']}@{told.parcels[0].sender.host}")


def test_nothing_starts_before_a_fork_and_each_forked_process_has_a_record_of_its_own(
    redis: RedisServer, told: Record
) -> None:
    facts = run(
        """
        celeriac.install(app)
        before = [thread.name for thread in threading.enumerate()]
        pids = []
        for child in range(3):
            if not (pid := os.fork()):
                threads = [threading.Thread(target=publish, args=(n,)) for n in range(4)]
                [thread.start() for thread in threads]
                [thread.join() for thread in threads]
                sys.exit(0)
            pids.append(pid)
        statuses = [os.waitpid(pid, 0)[1] for pid in pids]
        tell(before=before, pids=pids, statuses=statuses)
        """,
        broker=redis.url,
    )
    assert (facts["before"], facts["statuses"]) == (["MainThread"], [0, 0, 0])
    told.until(lambda: len(sent(told)) == 12 and whole(told))
    assert {event.pid for event in sent(told).values()} == set(facts["pids"])
    assert len({parcel.sender.boot for parcel in told.parcels}) == 3


def test_a_fork_under_load_with_every_lock_of_ours_held_ends_in_no_deadlock(redis: RedisServer, told: Record) -> None:
    facts = run(
        """
        celeriac.install(app)
        publish(0)
        recorder = app._celeriac.recorder
        held, go = threading.Event(), threading.Event()
        def hold():
            with recorder.buffer._lock, app._celeriac._beginning, recorder._starting:
                held.set()
                go.wait()
        threading.Thread(target=hold, daemon=True).start()
        held.wait()
        if not (pid := os.fork()):
            publish(1)
            sys.exit(0)
        status = os.waitpid(pid, 0)[1]
        go.set()
        publish(2)
        tell(pid=pid, status=status)
        """,
        broker=redis.url,
    )
    assert facts["status"] == 0
    told.until(lambda: len(sent(told)) == 3 and whole(told))
    assert [event.data["args"] for event in sent(told).values() if event.pid == facts["pid"]] == ["(1,)"]


def test_processes_of_multiprocessing_ship_the_rest_when_they_end(redis: RedisServer, told: Record) -> None:
    run(
        """
        import multiprocessing
        celeriac.install(app)
        children = [multiprocessing.get_context("fork").Process(target=publish, args=(n,)) for n in range(2)]
        [child.start() for child in children]
        [child.join() for child in children]
        """,
        broker=redis.url,
    )
    told.until(lambda: len(sent(told)) == 2 and whole(told))


def test_a_publish_that_fails_reaches_the_caller_unchanged_and_the_record_when_the_broker_is_back() -> None:
    program = """
        if os.environ.get("LAB_WITH"):
            celeriac.install(app)
        publish(0)
        tell(ready=True)
        input()
        try:
            publish(1, task_id="lost", retry=False)
        except Exception as error:
            tell(kind=f"{type(error).__module__}.{type(error).__name__}", text=str(error))
        input()
        """
    with RedisServer() as server:
        heard = []
        for installed in ("", "1"):
            with Script(program, broker=server.url, LAB_WITH=installed) as script:
                script.hear()
                server.kill()
                script.say()
                heard.append(script.hear())
                server.start()
                if installed:
                    with record(server.url) as told:
                        unpublished(told)
                        lost = told.one("task-unpublished", "lost")
                script.say()
                script.end()
        assert heard[0] == heard[1]
        assert (lost.data["name"], lost.data["args"], lost.data["queue"]) == ("lab.noop", "(1,)", "celery")
        assert lost.data["exception"] == f"{heard[1]['kind'].rpartition('.')[2]}({heard[1]['text']!r})"


def test_a_transport_that_is_away_costs_the_oldest_and_the_hole_is_counted(redis: RedisServer) -> None:
    with RedisServer() as away:
        away.stop()
        program = """
            celeriac.install(app, transport=os.environ["LAB_AWAY"], buffer_max=100)
            for n in range(400):
                publish(n)
            tell(waiting=len(app._celeriac.recorder.buffer), dropped=app._celeriac.recorder.buffer.dropped)
            input()
            """
        with Script(program, broker=redis.url, LAB_AWAY=away.url) as script:
            facts = script.hear()
            assert facts["waiting"] <= 100
            away.start()
            with record(away.url) as told:
                told.until(lambda: told.parcels and told.parcels[-1].first + told.parcels[-1].size == 401)
                shipped, node = len(sent(told)), told.parcels[0].sender.node
                holes = sum(map(len, told.holes(node).values()))
                assert shipped + holes == 400
                assert told.parcels[-1].dropped == holes == facts["dropped"]
            script.say()
            script.end()


def test_each_app_of_a_process_ships_its_own(redis: RedisServer, told: Record) -> None:
    with RedisServer() as other, record(other.url) as elsewhere:
        run(
            """
            from lab.app import make_app
            second = make_app(os.environ["LAB_OTHER"])
            third = make_app(os.environ["LAB_OTHER"])
            celeriac.install(app)
            celeriac.install(app)
            celeriac.install(second, payloads="none")
            app.send_task("lab.noop", args=("first",), task_id="first")
            second.send_task("lab.noop", args=("second",), task_id="second")
            third.send_task("lab.noop", task_id="third")
            """,
            broker=redis.url,
            LAB_OTHER=other.url,
        )
        told.until(lambda: whole(told) and told.parcels)
        elsewhere.until(lambda: whole(elsewhere) and elsewhere.parcels)
        assert list(sent(told)) == ["first"]
        assert list(sent(elsewhere)) == ["second"]
        assert "args" not in sent(elsewhere)["second"].data


def test_an_exact_payload_published_again_is_the_same_message(redis: RedisServer, told: Record) -> None:
    run(
        """
        celeriac.install(app)
        publish(1, "two", task_id="exact", priority=3, headers={"mine": "yes"})
        publish("x" * 70000, task_id="long")
        """,
        broker=redis.url,
        CELERIAC_PAYLOADS="exact",
    )
    told.until(lambda: len(sent(told)) == 2)
    client = redis.client()
    messages = [json.loads(raw) for raw in client.lrange("celery", 0, -1) + client.lrange("celery\x06\x163", 0, -1)]
    [message] = [one for one in messages if one["headers"]["id"] == "exact"]
    payload = sent(told)["exact"].data["payload"]
    assert isinstance(payload, dict)
    assert payload["body"] == message["body"]
    assert payload["headers"] == message["headers"]
    assert (payload["content_type"], payload["content_encoding"]) == ("application/json", "utf-8")
    info = message["properties"]["delivery_info"]
    assert (payload["exchange"], payload["routing_key"]) == (info["exchange"], info["routing_key"])
    assert "bytes" in str(sent(told)["long"].data["payload_absent"])


def started_by(method: str) -> dict[str, str]:
    """The setting that starts pool processes so; Celery before 5.7 only forks."""
    if method == "fork":
        return {}
    if "pool_start_method" not in NAMESPACES["worker"]:
        lack("this Celery only forks")
    return {"worker_pool_start_method": method}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_what_a_task_publishes_is_told_by_its_worker_with_the_child_that_did(
    redis: RedisServer, told: Record, method: str
) -> None:
    node, conf = f"w-{uuid.uuid4().hex[:8]}@lab", started_by(method)
    with Worker(redis.url, node=node, app="lab.recorded", events=False, conf=conf) as worker:
        spread = run('tell(id=app.send_task("lab.spread", args=(300,)).id)', broker=redis.url)["id"]
        told.until(lambda: len(sent(told)) == 300, timeout=60)
        children = set(worker.children)
    events = list(sent(told).values())
    assert {event.data["parent_id"] for event in events} == {spread}
    assert {event.pid for event in events} <= children
    assert {event.worker for event in events} == {f"gen{event.pid}@{socket.gethostname()}" for event in events}
    assert told.holes(node) == {}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_what_a_task_publishes_by_another_app_goes_to_the_record_of_that_one_without_a_thread_in_the_child(
    redis: RedisServer, told: Record, method: str
) -> None:
    node, conf = f"w-{uuid.uuid4().hex[:8]}@lab", started_by(method)
    with RedisServer() as other, record(other.url) as elsewhere:
        env = {"LAB_OTHER": other.url}
        with Worker(redis.url, node=node, app="lab.recorded", concurrency=1, conf=conf, env=env) as worker:
            run('app.send_task("lab.abroad", args=("far",))', broker=redis.url)
            elsewhere.until(lambda: "far" in sent(elsewhere))
            [child] = worker.children if method == "fork" else {sent(elsewhere)["far"].pid}
            assert len(list(Path(f"/proc/{child}/task").iterdir())) == 1
            worker.term()
        told.until(lambda: told.closed(node))
        assert "far" not in sent(told)


def test_a_process_that_a_task_in_a_thread_forks_has_a_record_of_its_own(redis: RedisServer, told: Record) -> None:
    with Worker(redis.url, node=f"w-{uuid.uuid4().hex[:8]}@lab", app="lab.recorded", pool="solo", concurrency=1):
        run('app.send_task("lab.beget", args=("heir",))', broker=redis.url)
        told.until(lambda: "heir" in sent(told))


def test_a_script_whose_record_is_stuck_ends_a_second_later(redis: RedisServer) -> None:
    with RedisServer() as frozen:
        os.kill(frozen.pid, signal.SIGSTOP)
        try:
            program = """
                import billiard.util, multiprocessing.util  # their own ends come on top of the interpreter's
                celeriac.install(app)
                publish()
                tell(done=time.time())
                """
            facts = run(program, broker=redis.url, CELERIAC_TRANSPORT=frozen.url)
            assert time.time() - facts["done"] < 2.0
        finally:
            os.kill(frozen.pid, signal.SIGCONT)


def test_beat_has_a_record_of_its_own(redis: RedisServer, told: Record) -> None:
    program = """
        celeriac.install(app)
        app.conf.beat_schedule = {"often": {"task": "lab.noop", "schedule": 0.2}}
        app.Beat(schedule=os.path.join(os.environ["LAB_DIR"], "schedule"), loglevel="ERROR").run()
        """
    with Script(program, broker=redis.url, LAB_DIR=str(redis.directory)) as script:
        told.until(lambda: len(sent(told)) >= 2)
        assert {(parcel.sender.role, parcel.sender.pid) for parcel in told.parcels} == {("beat", script.pid)}


def test_beat_inside_a_worker_has_a_record_of_its_own(redis: RedisServer, told: Record) -> None:
    conf = {"beat_schedule": {"often": {"task": "lab.noop", "schedule": 0.2}}}
    node = f"w-{uuid.uuid4().hex[:8]}@lab"
    with Worker(redis.url, node=node, app="lab.recorded", conf=conf, args=["-B"]) as worker:
        told.until(lambda: len(sent(told)) >= 2, timeout=30)
        roles = {parcel.sender.role: parcel.sender.pid for parcel in told.parcels}
        assert set(roles) == {"beat", "worker"}
        assert roles["worker"] == worker.pid != roles["beat"]
        assert {event.pid for event in sent(told).values()} == {roles["beat"]}


def test_green_threads_share_one_record(redis: RedisServer, told: Record) -> None:
    need_module("gevent")
    run(
        """
        from gevent import monkey; monkey.patch_all()
        import gevent
        celeriac.install(app)
        gevent.joinall([gevent.spawn(publish, n) for n in range(50)])
        """,
        broker=redis.url,
    )
    told.until(lambda: len(sent(told)) == 50 and whole(told))
    assert len({parcel.sender.boot for parcel in told.parcels}) == 1
