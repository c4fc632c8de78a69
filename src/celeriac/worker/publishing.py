"""What an app publishes: noted when the broker took it, and when the caller was told that it failed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import wraps
from time import time
from typing import TYPE_CHECKING, Any

from celery.utils import uuid
from celery.utils.saferepr import saferepr

from celeriac.worker.guard import guarded
from celeriac.worker.payload import to_publish

if TYPE_CHECKING:
    from celeriac.worker.installation import Installation
    from celeriac.worker.options import Options

SHOWN = 1024
"""Characters of arguments that Celery itself shows (celery/app/amqp.py, argsrepr_maxsize)."""
MOST_REFUSED = 100
LONGEST_KEY = 200
KEY = "celeriac_key"
"""The header in which a publisher gives a task its business key."""
_SELDOM = ("eta", "expires", "parent_id", "group_id", "chord", "chord_name", "key")
_ID_AT = 2
"""Where `task_id` stands among what may follow by position: countdown, eta, task_id (celery/app/base.py, send_task)."""


class Publishing:
    """Two wrappers on one app. Every publish goes through `app.send_task` (celery/app/task.py apply_async,
    celery/beat.py, canvas), and from there through `app.amqp.send_task_message`, which has the whole message.

    The signals `before_task_publish` and `after_task_publish` say neither which app publishes nor that it failed.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._amqp: Any = None
        self._attached = False
        self._refused: dict[str, Mapping[str, Any]] = {}
        self.forked()

    def forked(self) -> None:
        """A lock that another thread held at the fork is forgotten."""
        self._reaching = threading.RLock()

    def attach(self) -> None:
        """Wrap `send_task`, and what is beneath it at the first publish: the app may not be configured yet."""
        self._attached = True
        _wrap(self._installation.app, "send_task", self._sending)

    def detach(self) -> None:
        """Take the wrappers off; one that somebody else has wrapped since stays, and notes nothing."""
        self._attached = False
        _unwrap(self._installation.app, "send_task")
        if self._amqp is not None:
            _unwrap(self._amqp, "send_task_message")

    def _sending(self, send: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(send)
        def send_task(name: str, args: Any = None, kwargs: Any = None, *rest: Any, **options: Any) -> Any:
            if self._amqp is None:
                self._reach_messages()
            if len(rest) <= _ID_AT:
                options["task_id"] = options.get("task_id") or uuid()
            try:
                return send(name, args, kwargs, *rest, **options)
            except BaseException as error:
                task_id = options["task_id"] if len(rest) <= _ID_AT else rest[_ID_AT]
                self._unsent(task_id, (name, args, kwargs, options), error)
                raise

        return send_task

    def _delivering(self, send: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(send)
        def send_task_message(producer: Any, name: str, message: Any, *rest: Any, **options: Any) -> Any:
            try:
                sent = send(producer, name, message, *rest, **options)
            except BaseException:
                self._refuse(message, options)
                raise
            self._sent(producer, message, options)
            return sent

        return send_task_message

    @guarded
    def _reach_messages(self) -> None:
        with self._reaching:
            if self._attached and self._amqp is None:
                amqp = self._installation.app.amqp
                _wrap(amqp, "send_task_message", self._delivering)
                self._amqp = amqp

    @guarded
    def _sent(self, producer: Any, message: Any, options: Mapping[str, Any]) -> None:
        installation = self._installation
        chosen = installation.options
        if self._attached and chosen.enabled:
            told = _told(message)
            data = self._data(told, _queue(options, installation), chosen)
            if _unasked(producer):
                data["confirmed"] = False
            if chosen.payloads == "exact":
                data.update(to_publish(installation.app, message, options))
            installation.note("task-sent", str(told["id"]), data, time())

    @guarded
    def _refuse(self, message: Any, options: Mapping[str, Any]) -> None:
        """Keep what the message said: kombu's errors are translated once more before the caller sees them."""
        if len(self._refused) >= MOST_REFUSED:
            self._refused.clear()
        told = dict(_told(message), queue=_queue(options, self._installation))
        self._refused[told["id"]] = told

    @guarded
    def _unsent(self, task_id: str, call: tuple[str, Any, Any, Mapping[str, Any]], error: BaseException) -> None:
        installation = self._installation
        told = self._refused.pop(task_id, None) or _call(*call)
        if self._attached and installation.options.enabled:
            data = self._data(told, told.get("queue"), installation.options)
            data["exception"] = installation.redactor.text(f"{type(error).__name__}({str(error)!r})")
            installation.note("task-unpublished", str(task_id), data, time())

    def _data(self, told: Mapping[str, Any], queue: str | None, options: Options) -> dict[str, Any]:
        data = {"name": told["task"], "queue": queue, "retries": told["retries"], "root_id": told["root_id"]}
        for key in _SELDOM:
            if (value := told[key]) is not None:
                data[key] = value
        if options.payloads != "none":
            shown = self._installation.redactor.shown
            data["args"], data["kwargs"] = shown(told["argsrepr"]), shown(told["kwargsrepr"])
        return data


def _unasked(producer: Any) -> bool:
    """True when the broker could have said that it has the message, and was not asked (amqp/channel.py, `__init__`)."""
    connection = getattr(producer.channel, "connection", None)
    return getattr(connection, "confirm_publish", None) is False


def _told(message: Any) -> dict[str, Any]:
    """What the message says of its task: headers and the body's last part in protocol 2 (celery/app/amqp.py,
    as_task_v2), the body in 1."""
    headers, body = message[0], message[2]
    if "id" not in headers:
        return _call(
            body["task"], body["args"], body["kwargs"], {**body, "group_id": body["group"], "headers": headers}
        )
    return {**headers, "group_id": headers.get("group"), **_chord(body[2]), "key": _text_of(headers.get(KEY))}


def _call(name: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the caller of `send_task` said, under the names of message headers."""
    return {
        **{key: options.get(key) for key in ("id", "retries", "root_id", "parent_id")},
        "task": name,
        "eta": _text(options.get("eta")),
        "expires": _text(options.get("expires")),
        "argsrepr": saferepr(args or (), SHOWN),
        "kwargsrepr": saferepr(kwargs or {}, SHOWN),
        "queue": _name(options.get("queue")),
        "group_id": options.get("group_id"),
        "key": _text_of((options.get("headers") or {}).get(KEY)),
        **_chord(options),
    }


def _chord(embedded: Mapping[str, Any]) -> dict[str, Any]:
    """The task that follows when the whole group has succeeded: a chord's body, as its members carry it
    (celery/canvas.py, chord.run)."""
    body = embedded.get("chord") or {}
    return {"chord": (body.get("options") or {}).get("task_id"), "chord_name": body.get("task")}


def _text_of(value: Any) -> str | None:
    return None if value is None else str(value)[:LONGEST_KEY]


def _queue(options: Mapping[str, Any], installation: Installation) -> str | None:
    """The queue's name, as Celery's own `task-sent` has it; the routing key where there is no queue by name."""
    queue = options.get("queue")
    if queue is None and options.get("exchange") is None:
        return str(installation.app.conf.task_default_queue)
    return _name(queue) or options.get("routing_key")


def _name(queue: Any) -> str | None:
    return queue if queue is None or isinstance(queue, str) else str(queue.name)


def _text(value: Any) -> Any:
    """A date as messages carry it."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def _wrap(holder: Any, name: str, wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    if "__celeriac__" in getattr(holder.__dict__.get(name), "__dict__", ()):
        return
    wrapped = wrapper(getattr(holder, name))
    wrapped.__dict__["__celeriac__"] = holder.__dict__.get(name)
    holder.__dict__[name] = wrapped


def _unwrap(holder: Any, name: str) -> None:
    ours = holder.__dict__.get(name)
    if ours is None or "__celeriac__" not in ours.__dict__:
        return
    if (before := ours.__dict__["__celeriac__"]) is None:
        del holder.__dict__[name]
    else:
        holder.__dict__[name] = before
