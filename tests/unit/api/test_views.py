"""The views over a real store: what every list carries, and what each noun says."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from celeriac.api import views
from celeriac.errors import QueryError
from celeriac.store import Batch, SavedIncident, Store
from lab.dashboard import (
    FAILED,
    INCIDENT,
    LOST,
    NODE,
    NOW,
    event,
    fill_healthy,
    fill_trouble,
    look,
    marks,
    outage,
    worker,
)


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store.open("sqlite://")
    yield opened
    opened.close()


@pytest.fixture
def healthy(store: Store) -> Store:
    fill_healthy(store)
    return store


@pytest.fixture
def trouble(store: Store) -> Store:
    fill_trouble(store)
    return store


@pytest.mark.parametrize("noun", ["tasks", "workers", "queues", "incidents"])
def test_every_list_says_as_of_when_and_how_far_to_believe_it(trouble: Store, noun: str) -> None:
    answer = getattr(views, noun)(trouble, NOW)
    assert {"items", "next", "as_of", "stale", "gaps"} <= answer.keys()
    assert answer["as_of"] == "2026-11-18T11:06:40.000000Z"
    assert answer["stale"] is False
    assert answer["gaps"][0]["size"] == 12
    assert getattr(views, noun)(trouble, NOW + 60)["stale"] is True


@pytest.mark.parametrize("noun", ["overview", "status", "pulse", "tasks", "workers", "queues", "incidents"])
def test_every_view_of_an_empty_store_is_json_without_a_time(store: Store, noun: str) -> None:
    answer = getattr(views, noun)(store, NOW)
    json.dumps(answer, allow_nan=False)
    assert answer["as_of"] is None


def test_the_overview_leads_with_the_worst_problem(trouble: Store) -> None:
    found = views.overview(trouble, NOW)
    assert (found["verdict"], found["headline_incident"]) == ("problem", INCIDENT)
    assert found["headline"].startswith(f"{NODE}'s main process was killed by the kernel")
    assert found["worker_counts"]["dead"] == 1


def test_a_problem_on_stale_figures_is_still_said_with_its_doubt(trouble: Store) -> None:
    found = views.overview(trouble, NOW + 12)
    assert found["verdict"] == "problem"
    assert found["because"].endswith("newest data is 12 s old: this may have changed.")


def test_health_rests_on_figures(healthy: Store) -> None:
    found = views.overview(healthy, NOW)
    assert (found["verdict"], found["headline"]) == ("healthy", "Nothing is wrong")
    assert found["because"].startswith("2 workers alive, 3 waiting in 2 queues")
    assert found["last_finished"] is not None


def test_stale_figures_are_never_called_healthy(healthy: Store) -> None:
    assert views.overview(healthy, NOW + 12)["verdict"] == "unknown"


def test_no_worker_heard_is_not_health(store: Store) -> None:
    store.record(Batch(NOW, look=look(NOW, 0), marks=marks(NOW)))
    assert views.overview(store, NOW)["headline"] == "No worker has been heard yet"


def test_only_silent_workers_are_not_health(store: Store) -> None:
    store.record(Batch(NOW, look=look(NOW, 0), workers=(worker(NOW - 60),), marks=marks(NOW)))
    assert views.overview(store, NOW)["verdict"] == "unknown"


def test_status_is_the_overview_without_the_drawings(trouble: Store) -> None:
    found = views.status(trouble, NOW)
    assert found["verdict"] == "problem"
    assert "samples" not in found["queues"][0]
    assert "workers" not in found


def test_the_abandoned_queue_comes_first_with_its_figures(trouble: Store) -> None:
    row = views.queues(trouble, NOW)["items"][0]
    assert (row["name"], row["state"], row["ready"], row["consumers"]) == ("celery", "unconsumed", 1487, [])
    assert row["growth"] == pytest.approx(3.4, abs=0.1)
    assert len(row["samples"]) <= 120


def test_a_draining_queue_says_when_it_will_be_empty(store: Store) -> None:
    for step in range(7):
        at = NOW - 60 + step * 10
        store.record(Batch(at, look=look(at, 700 - step * 100), workers=(worker(at),), marks=marks(at)))
    row = views.queues(store, NOW)["items"][0]
    assert (row["growth"], row["drained_in"]) == (pytest.approx(-10), pytest.approx(10))


def test_a_restarted_worker_stands_once_with_its_earlier_life_counted(store: Store) -> None:
    lives = (worker(NOW - 4000), worker(NOW, pid=9))
    store.record(Batch(NOW, look=look(NOW, 0), workers=lives, marks=marks(NOW)))
    (row,) = views.workers(store, NOW)["items"]
    assert (row["pid"], row["state"], row["earlier_lives"]) == (9, "alive", 1)


def test_two_living_workers_of_one_name_both_stand(store: Store) -> None:
    lives = (worker(NOW - 1), worker(NOW, pid=9))
    store.record(Batch(NOW, look=look(NOW, 0), workers=lives, marks=marks(NOW)))
    assert [row["state"] for row in views.workers(store, NOW)["items"]] == ["alive", "alive"]


def test_a_search_goes_through_all_pages_without_repeating(healthy: Store) -> None:
    found: list[str] = []
    after = None
    while True:
        page = views.tasks(healthy, NOW, query="state:succeeded", after=after, limit=40)
        found += [row["id"] for row in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert len(found) == len(set(found)) == 130


def test_a_broken_search_says_where(healthy: Store) -> None:
    with pytest.raises(QueryError):
        views.tasks(healthy, NOW, query="state:odd")


def test_the_lost_task_tells_its_whole_story(trouble: Store) -> None:
    found = views.task(trouble, NOW, LOST)
    assert (found["verdict"], found["cause"]) == ("lost", "early-ack")
    assert [entry["what"] for entry in found["timeline"]] == ["sent", "received", "started", "lost"]
    assert {entry["source"] for entry in found["timeline"]} == {"events", "ledger"}
    assert found["where"] == {"queue": "celery", "worker": NODE, "pid": 4121}
    assert found["attempts"][0]["outcome"] == "lost"
    assert found["incidents"][0]["incident"] == INCIDENT
    assert found["gaps"][0]["size"] == 12
    assert found["children"] is None
    assert found["blind_spots"][0]["what"] == "children"


def test_a_held_task_no_event_named_is_held(trouble: Store) -> None:
    found = views.task(trouble, NOW, "held-0")
    assert (found["verdict"], found["name"]) == ("held", "exports.csv")


def test_a_failed_task_has_its_exception_and_traceback(healthy: Store) -> None:
    found = views.task(healthy, NOW, FAILED)
    assert found["attempts"][0]["exception"] == "ConnectionError('smtp.example.com refused')"
    assert "mail.py" in found["traceback"]
    assert found["attempts"][0]["runtime"] == pytest.approx(0.4)


def test_a_task_a_living_worker_claims_is_running_though_no_event_says_so(healthy: Store) -> None:
    assert views.task(healthy, NOW, LOST)["verdict"] == "running"


def test_an_unknown_task_was_never_seen_since_watching_began(healthy: Store) -> None:
    found = views.task(healthy, NOW, "nobody")
    assert found["verdict"] == "never-seen"
    assert "2026-11-18T10:51:40" in found["because"]


def test_a_published_task_waits(healthy: Store) -> None:
    healthy.record(Batch(NOW, (event("task-sent", "new", NOW - 2, name="a", queue="celery"),), marks=marks(NOW)))
    assert views.task(healthy, NOW, "new")["verdict"] == "waiting"


def test_an_incident_carries_its_diagnosis_and_its_consequences_name_it(trouble: Store) -> None:
    found = views.incident(trouble, NOW, INCIDENT)
    assert found is not None
    assert (found["schema"], found["id"], found["state"]) == ("celeriac.diagnosis/1", INCIDENT, "open")
    root, consequence = found["findings"]
    assert (root["id"], root["caused_by"]) == (INCIDENT, None)
    assert (consequence["kind"], consequence["caused_by"]) == ("queue-unconsumed", INCIDENT)
    assert found["impact"]["failed"] is None
    assert found["log"][0]["to"] == "open"
    assert found["playbook_text"].startswith("# A worker was killed")


def test_there_is_no_incident_of_an_unknown_id(trouble: Store) -> None:
    assert views.incident(trouble, NOW, "nope") is None


def test_the_pulse_moves_with_what_changed(healthy: Store) -> None:
    before = views.pulse(healthy, NOW)
    healthy.save_incidents([SavedIncident(outage(NOW - 5), "")], [], NOW)
    after = views.pulse(healthy, NOW)
    assert (before["incidents"], after["incidents"]) == (0, 1)
    assert after["revisions"]["incidents"] > before["revisions"]["incidents"]
    assert after["revisions"]["tasks"] == before["revisions"]["tasks"]


def test_a_list_calls_a_lost_task_lost_as_its_own_page_does(trouble: Store) -> None:
    rows = {row["id"]: row for row in views.tasks(trouble, NOW, limit=200)["items"]}
    assert (rows[LOST]["state"], rows[LOST]["verdict"]) == ("lost", "lost")
    assert all(row["verdict"] == "succeeded" for row in rows.values() if row["state"] == "succeeded")
