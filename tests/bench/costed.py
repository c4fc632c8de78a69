"""The app whose cost is measured: one no-op task under the mode that BENCH_MODE names.

nothing | events (Celery's three flags) | celeriac | keepalive (Celeriac with it) | opentelemetry (null exporter) |
sentry (errors, null transport)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

app = Celery("bench", broker=os.environ.get("BENCH_BROKER", "memory://"), set_as_current=False)
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True


@app.task(name="bench.noop")
def noop(*args: object, **kwargs: object) -> None:
    """Nothing."""


def _events() -> None:
    app.conf.update(worker_send_task_events=True, task_send_sent_event=True, task_track_started=True)


def _celeriac() -> None:
    import celeriac

    celeriac.install(app)


def _keepalive() -> None:
    app.conf.celeriac_keepalive = True
    _celeriac()


def _opentelemetry() -> None:
    """In a producer at once; in a worker after the fork, as its documentation asks."""
    if os.environ.get("BENCH_ROLE") == "worker":
        worker_process_init.connect(_instrument, weak=False)
    else:
        _instrument()


def _instrument(**_: object) -> None:
    from opentelemetry import trace
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Null(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Null()))
    trace.set_tracer_provider(provider)
    CeleryInstrumentor().instrument()


def _sentry() -> None:
    import sentry_sdk
    from sentry_sdk.integrations.celery import CeleryIntegration
    from sentry_sdk.transport import Transport

    class Null(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            return None

    sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=Null, integrations=[CeleryIntegration()])


MODES: dict[str, Callable[[], None]] = {
    "nothing": lambda: None,
    "events": _events,
    "celeriac": _celeriac,
    "keepalive": _keepalive,
    "opentelemetry": _opentelemetry,
    "sentry": _sentry,
}
MODES[os.environ.get("BENCH_MODE", "nothing")]()
