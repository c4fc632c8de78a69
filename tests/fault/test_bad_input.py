"""What users and brokers get wrong: one clear line each, the right exit code, in time, no secret, and nothing stops."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import redis as redis_py

from celeriac.store import Store
from lab.celery import Producer
from lab.port import free_port
from lab.redis import RedisServer
from lab.server import Outcome, Server, celeriac
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(120)]

SECRET = "hunter2"
IN_TIME = 60.0
ASK_BROKER = ("diagnose", "serve")
ASK_STORE = ("serve", "status", "incidents")


def refused(*args: str, says: str, code: int = 2, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """The command ends in time with `code` and one line that says it."""
    outcome = _in_time(*args, cwd=cwd, env=env)
    assert (outcome.code, outcome.out) == (code, ""), outcome
    assert outcome.err.startswith("celeriac: ")
    assert outcome.err.count("\n") == 1, outcome.err
    assert says in outcome.err


@pytest.mark.parametrize("command", ASK_BROKER)
@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"http://:{SECRET}@127.0.0.1/", "http://… is no broker's URL. Write it like redis://"),
        (f"nonsense {SECRET}", "what is given is no broker's URL"),
        (f"redis://:{SECRET}@127.0.0.1:99999/0", "the port in the broker's URL is no number"),
        (f"redis://:{SECRET}@127.0.0.1/zero", "the database in the broker's URL is 'zero'"),
        (f"sqs://key:{SECRET}@", "Amazon SQS is not read yet. Celeriac reads Redis and Valkey"),
    ],
    ids=["scheme", "nonsense", "port", "database", "amqp"],
)
def test_an_address_that_is_none(command: str, url: str, says: str, tmp_path: Path) -> None:
    refused(command, says=says, cwd=tmp_path, env={"CELERIAC_BROKER__URL": url})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [*ASK_BROKER, "status"])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "celeriac.toml cannot be read: No such file or directory. Check the path given with --config"),
        ("broker = [", "is not valid TOML"),
        (
            f'[broker]\nurll = "redis://:{SECRET}@x"\n[nope]\na = 1\n',
            "broker.urll: there is no such setting; nope: ",
        ),
        (f'[broker]\nurl = ["{SECRET}"]\ntimeout = -1\n', "broker.timeout: Input should be greater than 0"),
        ('[broker]\nurl_file = "/nowhere/url"\n', "url_file cannot be read: No such file or directory"),
    ],
    ids=["missing", "toml", "unknown", "values", "secret file"],
)
def test_settings_that_cannot_be_used(command: str, text: str | None, says: str, tmp_path: Path) -> None:
    file = tmp_path / "celeriac.toml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    refused(command, "--config", str(file), says=says, cwd=tmp_path)


def test_a_wrong_option_is_one_line_too() -> None:
    refused("serve", "--lisen", "x", says="No such option")
    refused("diagnose", "--logs", "/nowhere.log", says="See: celeriac diagnose --help")
    refused("nonsense", says="No such command 'nonsense'")


def test_a_broker_that_is_away_is_a_finding(tmp_path: Path) -> None:
    with _blackhole() as hole:
        for port, cause, seconds in ((free_port(), "down", "1"), (hole, "network", "7")):
            url = f"redis://:{SECRET}@127.0.0.1:{port}/0"
            outcome = _in_time("diagnose", "--broker", url, "--json", "--for", seconds, cwd=tmp_path)
            assert (outcome.code, outcome.err) == (1, "")
            assert outcome.json["verdict"] == "problem"
            assert [(one["kind"], one["cause"]) for one in outcome.json["findings"]] == [("broker-unreachable", cause)]


@pytest.mark.parametrize("given", ["", f":{SECRET}@", f"somebody:{SECRET}@"], ids=["none", "wrong", "user"])
def test_a_password_that_is_refused_says_nothing_about_the_system(given: str, tmp_path: Path) -> None:
    with RedisServer(password="the-right-one") as redis:
        url = f"redis://{given}127.0.0.1:{redis.port}/0"
        outcome = _in_time("diagnose", "--broker", url, "--json", "--for", "1", cwd=tmp_path)
        told = _in_time("diagnose", "--broker", url, "--for", "1", cwd=tmp_path)
    assert (outcome.code, outcome.err) == (3, "")
    assert outcome.json["verdict"] == "unknown"
    assert [(one["kind"], one["cause"]) for one in outcome.json["findings"]] == [("broker-unreachable", "auth")]
    assert (told.code, told.err) == (3, "")
    assert told.out.startswith("UNKNOWN")
    assert "refuses the user or password" in " ".join(told.out.split())


def test_a_server_that_speaks_something_else(tmp_path: Path) -> None:
    with _http() as port:
        url = f"redis://:{SECRET}@127.0.0.1:{port}/0"
        refused("diagnose", "--broker", url, says="answers, but does not speak Redis. Check host, port", cwd=tmp_path)


def test_the_server_lives_with_a_broker_it_cannot_use() -> None:
    with _http() as http, _blackhole() as hole, RedisServer(password="the-right-one") as redis, ExitStack() as stack:
        causes = {http: "unknown", hole: "network", redis.port: "auth", free_port(): "down"}
        servers = {port: stack.enter_context(Server(f"redis://:{SECRET}@127.0.0.1:{port}/0")) for port in causes}
        for port, cause in causes.items():
            server = servers[port]
            assert server.incident("broker-unreachable", timeout=20)["cause"] == cause
            assert server.get("pulse")["state"] in ("stale", "lost")
            assert server.process.poll() is None
            assert SECRET not in server.log
            assert "Traceback" not in server.log


@pytest.mark.parametrize("command", ASK_STORE)
def test_a_store_that_cannot_be_used(command: str, tmp_path: Path) -> None:
    corrupt, newer, missing = tmp_path / "corrupt.db", tmp_path / "newer.db", tmp_path / "none" / "store.db"
    corrupt.write_text("my shopping list\n" * 100, encoding="utf-8")
    Store.open(f"sqlite:///{newer}").close()
    with closing(sqlite3.connect(newer)) as connection:
        connection.executescript("UPDATE celeriac_version SET version_num = '9999';")
    kept = corrupt.read_bytes(), newer.read_bytes()
    refused(command, "--store", f"sqlite:///{corrupt}", says="is not a Celeriac store", cwd=tmp_path)
    refused(command, "--store", f"sqlite:///{newer}", says="was written by a newer version of Celeriac", cwd=tmp_path)
    nowhere = "does not exist" if command == "serve" else "there is no store at"
    refused(command, "--store", f"sqlite:///{missing}", says=nowhere, cwd=tmp_path)
    refused(command, "--store", f"mysql://x:{SECRET}@127.0.0.1/db", says="mysql stores are not supported", cwd=tmp_path)
    assert (corrupt.read_bytes(), newer.read_bytes()) == kept
    assert sorted(one.name for one in tmp_path.iterdir()) == ["corrupt.db", "newer.db"]


def test_a_history_that_is_none_is_not_made_by_looking(tmp_path: Path) -> None:
    with RedisServer() as redis:
        history = f"sqlite:///{tmp_path}/none.db"
        refused("diagnose", "--broker", redis.url, "--store", history, says="there is no store at", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_address_to_listen_on_that_cannot_be(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        store = ("--store", f"sqlite:///{tmp_path}/store.db")
        refused("serve", *store, "--listen", "0.0.0.0:80", says="there is no sign-in yet", cwd=tmp_path)
        refused("serve", *store, "--listen", taken, says=f"cannot listen on {taken}: Address already", cwd=tmp_path)
        refused("serve", *store, "--listen", "nonsense", says="is no address. Give HOST:PORT", cwd=tmp_path)


def test_junk_is_counted_and_everything_else_goes_on() -> None:
    junk = (b"not json", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, os.urandom(5 << 20))
    with RedisServer() as redis, Producer(redis.url) as producer:
        client = redis.client()
        _litter(client, junk)
        sent = producer.send("noop")
        with Server(redis.url) as server:
            wait_until(lambda: server.get("pulse")["state"] in ("live", "idle"), 20, why="both sources to be read")
            for one in junk:
                client.publish("/0.celeryev/task.started", one)
            with producer.app.events.default_dispatcher("junk@lab") as dispatcher:
                dispatcher.send("task-received", uuid=sent, name="lab.noop")
            wait_until(lambda: _junk(server) == len(junk), 10, why="all junk to be counted")
            wait_until(lambda: server.get(f"tasks/{sent}")["name"] == "lab.noop", 10, why="the event among junk")
            wait_until(lambda: _ready(server) == len(junk) + 1, 15, every=0.3, why="the whole queue to be counted")
            assert server.get("pulse")["state"] in ("live", "idle")
            assert server.process.poll() is None
            assert "Traceback" not in server.log
            assert '"loop-failed"' not in server.log
            assert max(len(line) for line in server.log.splitlines()) < 2000
            assert celeriac("diagnose", "--broker", redis.url, "--json", "--for", "1").err == ""


def _litter(client: redis_py.Redis, junk: tuple[bytes, ...]) -> None:
    """Messages that are none, keys that look like Celery's and are not, a list that is nobody's queue."""
    client.lpush("celery", *junk)
    client.rpush("shopping", "milk", "bread")
    client.set("text", "no list")
    client.sadd("_kombu.binding.celery", "junk without separators", "\x06\x16\x06\x16text")
    client.hset("unacked", "a-tag", b"not json")
    client.zadd("unacked_index", {"a-tag": time.time()})


def _junk(server: Server) -> int:
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return sum(one["count"] for one in lines if one["event"] == "junk-seen")


def _ready(server: Server) -> int | None:
    return next((one["ready"] for one in server.get("queues")["items"] if one["name"] == "celery"), None)


def _in_time(*args: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> Outcome:
    began = time.monotonic()
    outcome = celeriac(*args, cwd=cwd, env=env)
    assert time.monotonic() - began < IN_TIME
    assert SECRET not in outcome.out + outcome.err
    assert "Traceback" not in outcome.err
    return outcome


@contextmanager
def _blackhole() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as hole:
        yield hole.getsockname()[1]


@contextmanager
def _http() -> Iterator[int]:
    """A web server, as behind a mistaken port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _Quiet(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it that
        """Says nothing."""
