"""The REST edge: resources, problems, checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from celeriac.api.app import create_api
from celeriac.api.health import router
from celeriac.errors import StoreUnavailableError
from celeriac.loop import LoopHealth
from celeriac.store import Store
from lab.dashboard import INCIDENT, LOST, HandClock, fill_trouble, well


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store.open("sqlite://")
    fill_trouble(opened)
    yield opened
    opened.close()


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    with TestClient(create_api(store, HandClock())) as ready:
        yield ready


@pytest.mark.parametrize(
    "path",
    [
        *("pulse", "overview", "tasks", "queues", "workers", "incidents", "incidents?state=active"),
        *(f"tasks/{LOST}", "tasks/odd/id%20with%3Fmarks", f"incidents/{INCIDENT}", "tasks?q=state:started&limit=1"),
    ],
)
def test_a_resource_answers_with_json(client: TestClient, path: str) -> None:
    answer = client.get(f"/{path}")
    assert answer.status_code == 200, answer.text
    assert "as_of" in answer.json()


def test_an_odd_task_id_comes_through_whole(client: TestClient) -> None:
    assert client.get("/tasks/odd/id%20with%3Fmarks").json()["id"] == "odd/id with?marks"


def test_the_description_is_openapi_3_1_and_names_every_resource(client: TestClient) -> None:
    description = client.get("/openapi.json").json()
    assert description["openapi"].startswith("3.1")
    assert {"/pulse", "/overview", "/tasks", "/tasks/{task_id}", "/incidents/{incident_id}/ack"} <= description[
        "paths"
    ].keys()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("incidents/none", 404),
        ("nowhere", 404),
        ("tasks?q=state:odd", 400),
        ("tasks?limit=0", 422),
        ("incidents?state=x", 422),
    ],
)
def test_an_error_is_a_problem_document(client: TestClient, path: str, status: int) -> None:
    answer = client.get(f"/{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]


def test_a_search_problem_says_where(client: TestClient) -> None:
    assert client.get("/tasks?q=state:odd").json()["position"] == 6


def test_an_acknowledgement_is_a_request_that_the_incident_shows(client: TestClient, store: Store) -> None:
    assert client.post(f"/incidents/{INCIDENT}/ack").status_code == 202
    assert [one.subject for one in store.open_requests("acknowledge")] == [INCIDENT]
    assert client.get(f"/incidents/{INCIDENT}").json()["acknowledge_requested"] is True
    assert client.post("/incidents/none/ack").status_code == 404


def checks(health: Callable[[], tuple[LoopHealth, ...]], ready: Callable[[], object]) -> TestClient:
    app = FastAPI()
    app.include_router(router(health, ready))
    return TestClient(app)


def test_a_process_with_running_loops_is_alive_though_one_of_them_fails() -> None:
    failing = LoopHealth("ingest", running=True, failures=3, error="connection refused")
    assert checks(lambda: (*well(), failing), lambda: 0).get("/healthz").status_code == 200


def test_a_process_whose_loop_ended_is_not_alive() -> None:
    answer = checks(lambda: (LoopHealth("ingest", running=False),), lambda: 0).get("/healthz")
    assert (answer.status_code, answer.json()["loops"][0]["name"]) == (503, "ingest")


def test_it_is_ready_only_while_the_store_can_be_read() -> None:
    def broken() -> float:
        raise StoreUnavailableError("the disk is full")

    assert checks(well, lambda: 0).get("/readyz").status_code == 200
    answer = checks(well, broken).get("/readyz")
    assert (answer.status_code, answer.json()["store"]) == (503, "the disk is full")
