"""Installing: once per app, off means off, and no fault of ours is ever the caller's."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from celery import Celery, current_app, signals
from celery._state import get_current_app

import celeriac
from celeriac.errors import ConfigError
from celeriac.worker.installation import Installation
from celeriac.worker.installation import install as install_in
from celeriac.worker.options import checked
from celeriac.worker.publishing import Publishing
from celeriac.worker.recorder import Recorder


class Kept(Installation):
    """Keeps what is noted."""

    def note(self, kind: str, task_id: str, data: Mapping[str, Any], at: float) -> None:
        self.__dict__.setdefault("kept", []).append((kind, task_id, data))

    @property
    def items(self) -> list[tuple[str, str, dict[str, Any]]]:
        kept: list[tuple[str, str, dict[str, Any]]] = self.__dict__.get("kept", [])
        return kept


@pytest.fixture
def app() -> Iterator[Celery]:
    app = Celery("unit", broker="memory://", set_as_current=False)
    app.conf.task_ignore_result = True
    yield app
    app.close()


def installed(app: Celery, **options: Any) -> Kept:
    kept = Kept(app, checked(options))
    kept.attach()
    return kept


def footprint(app: Any) -> tuple[Any, ...]:
    """Where an installation could leave a trace. What tests before left to the garbage collector goes first."""
    gc.collect()
    task_hooks = (signals.before_task_publish, signals.after_task_publish)
    hooks: tuple[Any, ...] = (signals.worker_init, signals.beat_init, *task_hooks, app.on_after_configure)
    ours = ("send_task" in app.__dict__, "_celeriac" in app.__dict__)
    return (*ours, app.amqp.send_task_message.__module__, [len(hook._live_receivers(None)) for hook in hooks])


def test_importing_and_switching_off_load_nothing_and_touch_nothing() -> None:
    program = """
import json, os, sys, threading
import celeriac, celery
light = [name for name in sys.modules if name.startswith("celeriac.")]
from celery import signals
app = celery.Celery("off", broker="memory://")
def state():
    hooks = [getattr(signals, name) for name in signals.__all__]
    return [sorted(app.__dict__), [len(hook.receivers) for hook in hooks], threading.active_count()]
before = state()
celeriac.install(app, wrong=1)
print(json.dumps([light, before == state(), "celeriac.worker.installation" in sys.modules]))
"""
    out = subprocess.run(
        [sys.executable, "-c", program], env={"CELERIAC_ENABLED": "0"}, capture_output=True, check=True, text=True
    ).stdout
    assert json.loads(out) == [[], True, False]


def test_the_keyword_and_the_settings_switch_off_too(app: Celery) -> None:
    before = footprint(app)
    celeriac.install(app, enabled=False)
    assert footprint(app) == before
    late = Celery("late", broker="memory://", set_as_current=False)
    celeriac.install(late)
    late.conf.celeriac_enabled = False
    assert late.conf.task_default_queue == "celery"
    plain = Celery("plain", broker="memory://", set_as_current=False)
    assert plain.conf.task_default_queue == "celery"
    assert footprint(late) == footprint(plain)


def test_a_wrong_keyword_raises_at_once_and_leaves_the_app_alone(app: Celery) -> None:
    before = footprint(app)
    with pytest.raises(ConfigError):
        celeriac.install(app, heartbeat="never")
    assert footprint(app) == before


def test_two_installs_are_one(app: Celery) -> None:
    kept = installed(app)
    assert install_in(app, {}) is kept
    app.send_task("a", task_id="once")
    assert [(kind, task_id) for kind, task_id, _ in kept.items] == [("task-sent", "once")]


def test_what_stands_for_the_current_app_is_that_app_in_every_thread(app: Celery) -> None:
    before = get_current_app()
    app.set_current()
    try:
        installation = install_in(current_app, {})
    finally:
        before.set_current()
    assert installation is not None
    assert installation.app is app
    installation.detach()


@pytest.mark.parametrize("wrong", ["proj", None, Celery])
def test_what_is_no_app_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="needs a Celery app"):
        celeriac.install(wrong)


def test_detaching_leaves_the_app_as_it_was(app: Celery) -> None:
    before = footprint(app)
    kept = installed(app)
    app.send_task("a")
    kept.detach()
    app.send_task("b")
    assert footprint(app) == before
    assert len(kept.items) == 1


def test_options_of_an_app_that_is_configured_late_count(app: Celery) -> None:
    kept = installed(app, heartbeat=1.5)
    app.conf.update(celeriac_payloads="none", celeriac_buffer_max="lots")
    assert (kept.options.payloads, kept.options.heartbeat) == ("none", 1.5)
    assert kept.options.buffer_max == 50_000


def test_a_wrong_setting_is_told_once_and_not_by_each_child(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    kept = installed(app)
    app.conf.celeriac_buffer_max = "lots"
    for _ in range(2):
        assert kept.options.buffer_max == 50_000
        kept.forked(pooled=True)
    assert caplog.text.count("must be a number, not 'lots'") == 1


def test_settings_under_a_namespace_count(monkeypatch: pytest.MonkeyPatch) -> None:
    class Settings:
        CELERY_CELERIAC_PAYLOADS = "exact"
        CELERY_TASK_IGNORE_RESULT = True

    app = Celery("django", broker="memory://", set_as_current=False)
    kept = installed(app)
    app.config_from_object(Settings, namespace="CELERY")
    assert kept.options.payloads == "exact"


@pytest.mark.parametrize(
    "broken",
    [
        (Publishing, "_data"), ("celeriac.worker.publishing", "_wrap"), ("celeriac.worker.publishing", "_told"),
        (Installation, "recorder"), (Installation, "options"), (Recorder, "_add"), (Recorder, "_begin"),
    ],
)  # fmt: skip
def test_a_fault_in_any_hook_leaves_the_publish_alone(
    app: Celery, monkeypatch: pytest.MonkeyPatch, broken: tuple[Any, str]
) -> None:
    def fault(*_: object, **__: object) -> None:
        raise RuntimeError("a bug of ours")

    celeriac.install(app)
    holder, name = broken
    if isinstance(holder, str):
        holder = sys.modules[holder]
    as_property = isinstance(holder.__dict__.get(name), property)
    monkeypatch.setattr(holder, name, property(fault) if as_property else fault)
    with app.connection_for_write() as connection:
        channel: Any = connection.default_channel
        before = channel._size("celery")
        assert app.send_task("a", task_id="sent").id == "sent"
        assert channel._size("celery") == before + 1


def test_a_publish_that_fails_is_told_with_what_is_known_and_raised_as_it_was(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = installed(app)

    class Refused(Exception):  # noqa: N818
        """The broker's own."""

    def refuse(*_: object, **__: object) -> None:
        raise Refused("redis://:hunter2@broker/0 refused")

    monkeypatch.setattr("kombu.messaging.Producer.publish", refuse)
    with pytest.raises(Refused):
        app.send_task("a", (1,), {"token": "hunter2"}, task_id="x", queue="slow")
    [(kind, task_id, data)] = kept.items
    assert (kind, task_id, data["name"], data["queue"]) == ("task-unpublished", "x", "a", "slow")
    assert (data["args"], data["kwargs"]) == ("(1,)", "{'token': '[redacted]'}")
    assert "hunter2" not in str(data)
    assert "refused" in data["exception"]


def test_a_publish_that_fails_before_there_is_a_message_is_told_too(app: Celery) -> None:
    kept = installed(app)
    with pytest.raises(TypeError):
        app.send_task("a", args="not a list", task_id="x")
    assert [(kind, task_id) for kind, task_id, _ in kept.items] == [("task-unpublished", "x")]


def test_a_first_publish_from_many_threads_is_told_once_each() -> None:
    for _ in range(10):
        app = Celery("many", broker="memory://", set_as_current=False)
        app.conf.task_ignore_result = True
        kept, start = installed(app), threading.Barrier(8)

        def publish(app: Celery = app, start: threading.Barrier = start) -> None:
            start.wait()
            app.send_task("a")

        threads = [threading.Thread(target=publish) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(kept.items) == len({task_id for _, task_id, _ in kept.items}) == 8
        app.close()


def test_an_id_given_by_position_stays(app: Celery) -> None:
    kept = installed(app)
    assert app.send_task("a", (), {}, None, None, "mine").id == "mine"
    assert [task_id for _, task_id, _ in kept.items] == ["mine"]


def test_messages_of_protocol_1_are_told(app: Celery) -> None:
    app.conf.task_protocol = 1
    kept = installed(app)
    app.send_task("a", (1,), {"secret": "hunter2"}, task_id="x")
    [(kind, task_id, data)] = kept.items
    assert (kind, task_id, data["name"], data["args"]) == ("task-sent", "x", "a", "(1,)")
    assert data["kwargs"] == "{'secret': '[redacted]'}"


def test_a_queue_behind_a_topic_exchange_has_its_name(app: Celery) -> None:
    from kombu import Exchange, Queue

    app.conf.task_queues = [Queue("mail", Exchange("news", type="topic"), routing_key="news.#")]
    kept = installed(app, payloads="exact")
    app.send_task("a", queue="mail", routing_key="news.today")
    payload = kept.items[0][2]["payload"]
    assert [data["queue"] for _, _, data in kept.items] == ["mail"]
    assert (payload["exchange"], payload["routing_key"]) == ("news", "news.today")
