"""`celeriac serve`: run until told to stop."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable
from random import Random
from types import FrameType

import uvicorn

from celeriac.brokers.open import open_broker
from celeriac.clock import SystemClock
from celeriac.errors import ConfigError
from celeriac.loop import LoopRunner
from celeriac.server.listen import Address, listen
from celeriac.server.loops import serving
from celeriac.settings import Settings
from celeriac.store import Store
from celeriac.telemetry import ServerReady, emit
from celeriac.web.app import create_app

STOP_TIMEOUT = 10.0


def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Collect, judge and show until SIGINT or SIGTERM. `ready` is called once with the dashboard's address.

    Raises ConfigError for an address that cannot be listened on, StoreError for a store that cannot be used.
    """
    clock = SystemClock()
    address = Address.parse(settings.server.listen)
    broker = open_broker(settings.broker)
    store = Store.open(settings.store.url.get_secret_value(), busy_timeout=settings.store.busy_timeout)
    try:
        with listen(address) as door:
            loops = LoopRunner(serving(settings, broker, store), clock, Random())
            loops.start()
            try:
                where = f"http://{address.host}:{door.getsockname()[1]}"
                emit(ServerReady(where, broker.label, store.place))
                ready(where)
                _answer(create_app(store, clock, loops.health, settings.server), door)
            finally:
                loops.stop(STOP_TIMEOUT)
                broker.close()
    finally:
        store.close()


def _answer(app: object, door: socket.socket) -> None:
    """Serve HTTP on `door` until a stop signal.

    uvicorn catches the signal, ends its requests, puts our handlers back and raises the signal again: SIGTERM then
    leaves through SystemExit, so that what is open gets closed.
    """
    signal.signal(signal.SIGTERM, _leave)
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        lifespan="off",
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[door])
    if not server.started:
        raise ConfigError("the web server did not start", hint="See the log lines above")


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
