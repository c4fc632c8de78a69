"""Result backends in databases, over what a real worker stored there. They are read, and nothing more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from celeriac.errors import BrokerUnavailableError, UnsupportedByBrokerError
from celeriac.results.base import ResultBackend
from celeriac.results.open import open_results, started_results
from celeriac.settings import ResultSettings
from lab.celery import Worker
from lab.port import free_port
from lab.postgres import PostgresServer
from lab.redis import RedisServer
from lab.script import run
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(120)]
DONE = {"SUCCESS", "FAILURE"}


def reader(url: str) -> ResultBackend:
    found = open_results(ResultSettings(url=SecretStr(url)))
    assert found is not None
    return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"db+sqlite:///{tmp_path_factory.mktemp('results')}/results.db"
        return
    with PostgresServer(conf="timezone = 'Asia/Tokyo'") as server:
        yield f"db+{server.url().replace('postgresql:', 'postgresql+psycopg:')}"


def test_ends_are_read_as_celery_stores_them_and_chords_are_not_counted(url: str) -> None:
    program = """
        ids = [app.send_task(name, args).id for name, args in (("lab.noop", ()), ("lab.boom", ()), ("lab.nap", (60,)))]
        tell(**dict(zip(("good", "bad", "runs"), ids)))
        """
    conf = {"result_extended": True, "task_track_started": True}
    began = time.time()
    with RedisServer() as redis, Worker(redis.url, app="lab.chorded", env={"LAB_RESULTS": url}, conf=conf) as worker:
        told = run(program, broker=redis.url, conf=conf, LAB_RESULTS=url)
        backend = reader(url)
        wait_until(lambda: _ended(backend, told["good"], told["bad"]), 30, why="two results")
        wait_until(lambda: started_results(url, began), 30, why="a start")
        (good,) = backend.outcomes([told["good"], "nobody"]).found
        (bad,) = backend.outcomes([told["bad"]]).found
        assert (good.status, good.error, good.worker, good.name) == ("SUCCESS", None, worker.node, "lab.noop")
        assert (bad.status, bad.error, bad.retries) == ("FAILURE", "RuntimeError('boom')", 0)
        assert good.at is not None and began - 1 < good.at < time.time() + 1
        assert [one.task_id for one in started_results(url, began)] == [told["runs"]]
        assert backend.health().cause is None
        assert (backend.discover().whole, backend.chords(["any"])) == (True, ())
        backend.close()


def _ended(backend: ResultBackend, *ids: str) -> bool:
    return [one.status in DONE for one in backend.outcomes(ids).found] == [True] * len(ids)


def test_before_the_first_result_there_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    assert reader(f"db+sqlite:///{tmp_path}/empty.db").outcomes(["one"]).found == ()


def test_one_that_is_not_there_is_unreachable_and_is_not_made(tmp_path: Path) -> None:
    for url in (f"db+sqlite:///{tmp_path}/none.db", f"db+postgresql://lab:secret@127.0.0.1:{free_port()}/lab"):
        backend = reader(url)
        with pytest.raises(BrokerUnavailableError) as raised:
            backend.health()
        assert "secret" not in f"{raised.value}{backend.label}"
    assert not (tmp_path / "none.db").exists()


def test_other_databases_are_said_not_to_be_read() -> None:
    with pytest.raises(UnsupportedByBrokerError, match="mysql"):
        reader("db+mysql://127.0.0.1/lab")
