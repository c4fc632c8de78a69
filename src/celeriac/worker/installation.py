"""What `install` leaves on an app: who this process is, and its record."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from celery import Celery, signals
from celery.local import Proxy
from celery.utils.nodenames import anon_nodename

from celeriac.errors import ConfigError
from celeriac.model.redact import Redactor
from celeriac.telemetry import OptionIgnored
from celeriac.transport import Outlet
from celeriac.worker import link
from celeriac.worker.guard import guarded, say
from celeriac.worker.options import Options, checked, resolve
from celeriac.worker.publishing import Publishing
from celeriac.worker.recorder import Recorder

PRODUCER, WORKER, BEAT, CHILD = "producer", "worker", "beat", "child"
ATTRIBUTE = "_celeriac"
FAREWELL = 1.0
"""Seconds an ending process waits at most for its last items to be shipped."""
_NOTHING: Mapping[str, Any] = {}
_all: weakref.WeakSet[Installation] = weakref.WeakSet()


def install(app: Celery, keywords: Mapping[str, Any]) -> Installation | None:
    """Once per app; None when the keywords switch it off. Raises ConfigError."""
    values = checked(keywords)
    app = _real(app)
    if not values.get("enabled", True):
        return None
    installed: Installation | None = app.__dict__.get(ATTRIBUTE)
    if installed is None:
        installed = Installation(app, values)
        installed.attach()
    return installed


def _real(app: object) -> Celery:
    """The app behind `celery.current_app`, which in another thread may be another. Raises ConfigError."""
    if type(app) is Proxy:
        app = app._get_current_object()
    if not isinstance(app, Celery):
        raise ConfigError(
            f"celeriac.install needs a Celery app, not {type(app).__name__}", hint="Call celeriac.install(app)"
        )
    return app


class Installation:
    """One app in one process. `role` is producer | worker | beat, or child: a pool process, which records nothing and
    tells its worker what only it can know. `forks` says that it is a worker whose tasks run in such processes."""

    _options: Options | None
    _system: str | None

    def __init__(self, app: Any, keywords: Mapping[str, Any]) -> None:
        self.app = app
        self.forks = False
        self._told = False
        self.role = CHILD if link.is_child() else PRODUCER
        self._keywords = keywords
        self._publishing = Publishing(self)
        self._reset()

    @property
    def options(self) -> Options:
        """Read from `app.conf` and the environment when first asked for: an app is configured after it is made."""
        if self._options is None:
            options, faults = resolve(self._keywords, self.app.conf, os.environ)
            for fault in faults if not self._told else ():
                say(OptionIgnored(fault))
            self._told = True
            self._options, self._redactor = options, Redactor(options.redact)
        return self._options

    @property
    def redactor(self) -> Redactor:
        """What hides secrets, by the options."""
        _ = self.options
        return self._redactor

    @property
    def recorder(self) -> Recorder | None:
        """The record of this process, begun when first asked for; None in a pool process.

        A worker that ended in a process that goes on leaves a producer behind.
        """
        if self.role != CHILD and (self._recorder is None or self._recorder.closed):
            self._begin(PRODUCER, anon_nodename())
        return self._recorder

    @property
    def system(self) -> str:
        """Which record this process writes to."""
        if self._system is None:
            from celeriac.transport.place import system

            self._system = system(self._connection())
        return self._system

    def note(self, kind: str, task_id: str, data: Mapping[str, Any], at: float) -> None:
        """Something happened at `at` (Unix seconds): on record here, or told to the worker from its child."""
        if self.role == CHILD:
            self._teller.tell(kind, at, task_id, {**data, "child": os.getpid(), "system": self.system})
        elif (recorder := self.recorder) is not None:
            recorder.note(kind, task_id, data, at)

    @guarded
    def attach(self) -> None:
        """Hang the hooks in."""
        self.app.__dict__[ATTRIBUTE] = self
        self._publishing.attach()
        for signal, receiver in self._hooks():
            signal.connect(receiver, dispatch_uid=self._name(receiver))
        _all.add(self)
        if self.app.configured:
            self._obey(self.app)

    def detach(self) -> None:
        """Take every hook out again: the app is as it was."""
        for signal, receiver in self._hooks():
            signal.disconnect(dispatch_uid=self._name(receiver))
        self._publishing.detach()
        self.app.__dict__.pop(ATTRIBUTE, None)
        _all.discard(self)

    def _name(self, receiver: Callable[..., Any]) -> str:
        """Celery before 5.7 takes one method of two objects for one receiver (celery/utils/dispatch/signal.py)."""
        return f"celeriac{receiver.__name__}-{id(self)}"

    def forked(self, *, pooled: bool) -> None:
        """Begin anew in a forked process: in a pool a child, elsewhere a producer with a record of its own. A lock that
        another thread held at the fork is forgotten with the old record."""
        self.role, self.forks = CHILD if pooled else PRODUCER, False
        self._teller.close()
        self._publishing.forked()
        self._reset()

    def _reset(self) -> None:
        self._options = None
        self._redactor = Redactor()
        self._recorder: Recorder | None = None
        self._system = None
        self._beginning = threading.RLock()
        self._teller = link.Teller()

    def _hooks(self) -> tuple[tuple[Any, Callable[..., Any]], ...]:
        return (
            (self.app.on_after_configure, self._obey),
            (signals.worker_init, self._on_worker_init),
            (signals.beat_init, self._on_beat_init),
        )

    @guarded
    def _obey(self, sender: Any, **_: Any) -> None:
        """`celeriac_enabled = False` in the app's settings: known only now."""
        if not self.options.enabled:
            self.detach()
        self._options = None

    @guarded
    def _on_worker_init(self, sender: Any, **_: Any) -> None:
        if sender.app is not self.app or not self.options.enabled:
            return
        from celeriac.worker.main import begin

        self._begin(WORKER, sender.hostname)
        begin(self, sender)

    @guarded
    def _on_beat_init(self, sender: Any, **_: Any) -> None:
        if sender.app is self.app and self.role != WORKER and self.options.enabled:
            self._begin(BEAT, anon_nodename())

    def _begin(self, role: str, node: str) -> None:
        """A record under another name ends with all it had, and a new one begins."""
        with self._beginning:
            old, options = self._recorder, self.options
            if old is not None and not old.closed and (old.sender.role, old.sender.node) == (role, node):
                return
            self._recorder = Recorder(role, node, self._connect, items=options.buffer_max, bytes_=options.buffer_bytes)
            self.role = role
        if old is not None:
            old.close(FAREWELL)
        _leave_with_process()

    def _connect(self) -> Outlet:
        from celeriac.transport.open import open_outlet

        return open_outlet(self._connection())

    def _connection(self) -> Any:
        """Not open yet: it says where."""
        return self.app.connection_for_write(self.options.transport)

    def leave(self) -> None:
        """This process ends: ship what waits. Said several times, it waits but once."""
        if self._recorder is not None and not self._recorder.closed:
            self._recorder.close(FAREWELL)


def record_of(system: str) -> Recorder | None:
    """The record of this process that is written there, None when no app of it does."""
    return next((one.recorder for one in tuple(_all) if one.system == system), None)


def _forked() -> None:
    """A process of a worker's pool is one for every app in it."""
    everyone = tuple(_all)
    pooled = any(one.forks or one.role == CHILD for one in everyone)
    for installation in everyone:
        installation.forked(pooled=pooled)


def _leave_with_process() -> None:
    """A process of multiprocessing or billiard ends without `atexit`, and runs these instead (their util.py)."""
    for name in ("multiprocessing.util", "billiard.util"):
        if (util := sys.modules.get(name)) is not None:
            util.Finalize(None, _leave, exitpriority=0)


def _leave() -> None:
    for installation in tuple(_all):
        installation.leave()


os.register_at_fork(after_in_child=_forked)
atexit.register(_leave)
