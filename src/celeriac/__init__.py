"""Celeriac: the reliability layer for Celery. Account, diagnose, recover, rehearse."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery

__version__ = "0.1.0"


def install(app: Celery, **options: Any) -> None:
    """Record what happens in every process that uses `app`: workers, producers and beat.

    Call it once, in the module that makes the app. It starts no thread and opens no connection; that comes with the
    first thing to tell. Nothing of it ever raises into a task or a publish, or waits for the broker there.

    `options`, also as `app.conf.celeriac_*` or `CELERIAC_*` in the environment (a keyword counts first):

    enabled           False: nothing happens at all. `CELERIAC_ENABLED=0` beats everything, wrong keywords too.
    transport         URL to ship the record to; the app's own broker unless given.
    payloads          "redacted" (default): arguments as Celery shows them, secrets hidden; "exact": also the whole
                      message, so that it can be published again; "none": no arguments.
    redact            more words that make a key secret, beside password, token, secret, card, …
    heartbeat         seconds between two beats of a worker, 2.0.
    memory_interval   seconds between two looks at the memory of each pool process, 1.0; 0 is off.
    poison            what becomes of a task that kills whatever runs it: "report" (default), or "park": at its
                      `poison_limit`-th death it is set aside whole, and acknowledged.
    poison_limit      deaths of one task after which it is set aside, 3.
    keepalive         True: on Redis and Valkey, what a worker is really working on is not redelivered at the visibility
                      timeout.
    buffer_max        events that wait in memory while the broker is away, 50,000; beyond, the oldest go first.
    buffer_bytes      the same in bytes, 16 MB.

    Raises ConfigError for a keyword that is unknown or has a wrong value; a wrong value in `app.conf` or the
    environment is logged once, and the default used.
    """
    from celeriac.worker.options import switched_off

    if switched_off(os.environ):
        return
    from celeriac.worker.installation import install as install_in

    install_in(app, options)
