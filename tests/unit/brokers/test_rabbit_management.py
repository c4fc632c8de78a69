"""The management API when it is slow, endless, or no management API at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from pydantic import SecretStr

from celeriac.brokers.rabbit_managed import Manager
from celeriac.brokers.rabbit_management import LARGEST_ANSWER, Management
from celeriac.errors import BrokerError, BrokerUnavailableError

TIMEOUT = 0.3
Answer = Callable[[BaseHTTPRequestHandler], object]


@contextmanager
def served(answer: Answer) -> Iterator[tuple[Manager, list[str]]]:
    """A reader of an API that answers so, and the paths that it asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                answer(self)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        manager = Manager(Management(SecretStr(f"http://127.0.0.1:{server.server_port}"), "/", TIMEOUT), 10)
        yield manager, asked
        manager.close()
        server.shutdown()
        thread.join()


def drip(handler: BaseHTTPRequestHandler) -> None:
    for _ in range(100):
        handler.wfile.write(b" ")
        time.sleep(0.05)


def test_an_answer_that_comes_drop_by_drop_has_an_end_and_is_not_asked_for_at_once_again() -> None:
    with served(drip) as (manager, asked):
        began = time.monotonic()
        for _ in range(3):
            with pytest.raises(BrokerUnavailableError, match="in time"):
                manager.read(time.time())
        assert time.monotonic() - began < 3.0
        assert len(asked) == 1


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    sent: list[int] = []

    def endless(handler: BaseHTTPRequestHandler) -> None:
        for _ in range(4 * LARGEST_ANSWER >> 20):
            handler.wfile.write(b" " * (1 << 20))
            sent.append(1)

    with served(endless) as (manager, _), pytest.raises(BrokerError):
        manager.read(time.time())
    assert len(sent) < 4 * LARGEST_ANSWER >> 20


@pytest.mark.parametrize(
    "body", [b"<html>", b'{"items":[{"name":"\xff\xfe"}]}', b'{"items":[{"name":"a","arguments":{"a":' + b"[" * 200_000]
)
def test_what_is_no_answer_is_an_error_of_ours(body: bytes) -> None:
    reading = served(lambda handler: handler.wfile.write(body))
    with reading as (manager, _), pytest.raises(BrokerError, match="not as RabbitMQ writes it"):
        manager.read(time.time())


def test_totals_of_a_server_that_gives_its_old_figures_are_none() -> None:
    body = b'[{"name":"old","messages_ready":0,"messages_details":{"rate":0.0}},{"name":"new","messages_ready":0}]'
    with served(lambda handler: handler.wfile.write(body)) as (manager, _):
        assert set(manager.totals()) == {"new"}
