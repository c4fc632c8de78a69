"""Putting held tasks back from an incident's page: the plan first, and nothing before it is confirmed."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest
from playwright.sync_api import expect

from celeriac.store import Store
from lab.axe import faults
from lab.dashboard import Dashboard
from lab.held import HELD_INCIDENT, fill_held

pytestmark = pytest.mark.chromium


def answer(store: Store, now: float, **outcome: Any) -> dict[str, Any]:
    """Settle the one open rescue; what was asked for."""
    (request,) = store.open_requests("rescue")
    task = {"task_id": "held-1", "name": "exports.csv", "queue": "celery", "worker": "celery@web-1", "started": False}
    task |= {"will": True, "because": "it never started", "outcome": None, **outcome.pop("task", {})}
    body = json.dumps({"tasks": [task], "restored": 0, **outcome})
    store.acted(request.id, body, (), (), now)
    wish: dict[str, Any] = json.loads(request.subject)
    return wish


@pytest.mark.parametrize("scripted", [True, False])
def test_the_plan_is_shown_and_only_its_confirmation_acts(
    store: Store, dashboard: Dashboard, new_page: Any, scripted: bool
) -> None:
    fill_held(store)
    page = new_page(java_script_enabled=scripted)
    page.goto(f"{dashboard.url}/incidents/{HELD_INCIDENT}")
    page.get_by_role("button", name="Put held tasks back…").click()
    expect(page.locator("h1")).to_have_text("Looking what would go back")
    assert answer(store, dashboard.clock.now(), dry_run=True) == {"incident": HELD_INCIDENT, "dry_run": True}
    page.reload()
    expect(page.locator("h1")).to_have_text("1 of 1 held tasks would go back")
    expect(page.locator("#rescue")).to_contain_text("it never started")
    page.get_by_role("button", name="Put 1 back").click()
    expect(page.locator("h1")).to_have_text("Putting tasks back")
    done = {"restored": 1, "dry_run": False, "task": {"outcome": "restored"}}
    assert answer(store, dashboard.clock.now(), **done) == {"incident": HELD_INCIDENT}
    page.reload()
    expect(page.locator("h1")).to_have_text("1 of 1 held tasks are back in their queues")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_plan_is_accessible(store: Store, dashboard: Dashboard, new_page: Any, scheme: str) -> None:
    fill_held(store)
    request = store.request("rescue", json.dumps({"incident": HELD_INCIDENT, "dry_run": True}), "test", 1.0)
    answer(store, dashboard.clock.now(), dry_run=True)
    page = new_page(color_scheme=scheme, bypass_csp=True, viewport={"width": 360, "height": 740})
    page.goto(f"{dashboard.url}/rescues/{request}")
    assert faults(page, scheme) == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360


def test_an_incident_without_held_tasks_offers_nothing(trouble: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{trouble.url}/incidents")
    page.locator("#incidents a").first.click()
    expect(page.get_by_role("button", name="Put held tasks back…")).to_have_count(0)


@pytest.mark.parametrize("path", [f"/incidents/{HELD_INCIDENT}/rescue", "/rescues/any/confirm", "/api/v1/rescues"])
def test_a_foreign_page_cannot_ask_for_a_rescue(store: Store, dashboard: Dashboard, path: str) -> None:
    fill_held(store)
    connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=10)
    try:
        connection.request("POST", path, headers={"Origin": "http://evil.example"})
        assert connection.getresponse().status == 403
    finally:
        connection.close()
    assert store.open_requests("rescue") == ()


def test_the_api_takes_a_wish_and_tells_what_came_of_it(store: Store, dashboard: Dashboard) -> None:
    def ask(method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=10)
        headers = {"Origin": dashboard.url, "Content-Type": "application/json"}
        try:
            connection.request(method, f"/api/v1/{path}", body=json.dumps(body or {}), headers=headers)
            answered = connection.getresponse()
            return answered.status, json.loads(answered.read())
        finally:
            connection.close()

    fill_held(store)
    status, asked = ask("POST", "rescues", {"worker": "celery@web-1"})
    assert status == 202
    assert ask("GET", f"rescues/{asked['request']}")[1]["outcome"] is None
    assert answer(store, dashboard.clock.now(), dry_run=True) == {"worker": "celery@web-1", "dry_run": True}
    assert ask("GET", f"rescues/{asked['request']}")[1]["outcome"]["tasks"][0]["will"] is True
    assert [one["id"] for one in ask("GET", "rescues")[1]["items"]] == [asked["request"]]
    assert ask("GET", "audit")[1]["items"] == []
    assert ask("GET", "rescues/none")[0] == 404
    assert ask("POST", "rescues", {"everything": True})[0] == 422
