"""The badge tells the truth: live, idle, stale, lost, paused; and sections refresh themselves when they changed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from celeriac.model.incident import IncidentState
from celeriac.store import Batch, SavedIncident
from lab.dashboard import INCIDENT, NOW, Dashboard, look, marks, outage

pytestmark = pytest.mark.chromium


def test_the_badge_goes_lost_when_the_server_stops_answering(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(healthy.url)
    healthy.clock.stall()
    expect(page.locator("#badge-word")).to_have_text("Not live", timeout=12_000)
    expect(page.locator("#notice")).to_have_text(
        re.compile(r"Not live: no word for \d+ s\.\s+Figures below are from 11:06:40\.")
    )
    style = page.locator("#queues td.figure").first.evaluate("cell => getComputedStyle(cell).fontStyle")
    assert style == "italic"
    healthy.clock.resume()
    expect(page.locator("#badge-word")).to_have_text("Live")
    expect(page.locator("#notice")).to_be_hidden()


def test_the_badge_goes_stale_when_the_collector_falls_behind_and_back(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(healthy.url)
    expect(page.locator("#badge-word")).to_have_text("Live")
    healthy.clock.at = NOW + 12
    expect(page.locator("#badge-word")).to_have_text("Stale")
    expect(page.locator("#notice")).to_contain_text("Collector behind: newest data is 12 s old")
    expect(page.locator("h1")).to_have_text("Cannot tell whether anything is wrong")
    healthy.store.record(Batch(NOW + 12, marks=marks(NOW + 12)))
    expect(page.locator("#badge-word")).to_have_text("Live")


def test_a_failing_source_is_never_called_live(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(healthy.url)
    healthy.store.record(Batch(NOW + 1, marks=marks(NOW + 1, failing="broker")))
    expect(page.locator("#badge-word")).to_have_text("Stale")
    expect(page.locator("#notice")).to_contain_text("broker cannot be read: connection refused by 127.0.0.1:6379")


def test_a_changed_section_refreshes_itself_and_keeps_the_page(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(healthy.url)
    expect(page.locator("#badge-word")).to_have_text("Live")
    page.evaluate("() => { window.kept = true; }")
    healthy.store.record(Batch(NOW, look=look(NOW + 1, 9_999), marks=marks(NOW)))
    expect(page.locator("#queues")).to_contain_text("9,999")
    assert page.evaluate("() => window.kept")


def test_a_new_incident_appears_without_a_reload(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(healthy.url)
    healthy.store.save_incidents([SavedIncident(outage(NOW - 5), "")], [], NOW)
    expect(page.locator("h1")).to_contain_text("main process was killed")
    expect(page.locator("#incident-count")).to_have_text("1")


def test_an_incident_page_follows_its_incident(trouble: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{trouble.url}/incidents/{INCIDENT}")
    resolved = replace(outage(NOW - 300), state=IncidentState.RESOLVED, resolved_at=NOW)
    trouble.store.save_incidents([SavedIncident(resolved, "")], [], NOW)
    expect(page.locator("#incident header")).to_contain_text("resolved at 11:06:40")
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)


def test_pausing_stops_the_pulse_and_says_so(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(healthy.url)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#badge-word")).to_have_text("Paused")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2_500)
    assert asked == []
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#badge-word")).to_have_text("Live")


def test_an_answer_that_comes_after_the_pause_does_not_undo_it(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(healthy.url)
    expect(page.locator("#badge-word")).to_have_text("Live")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/pulse", hold)
    with page.expect_request("**/api/v1/pulse"):
        pass
    page.get_by_role("button", name="Pause").click()
    with page.expect_response("**/api/v1/pulse"):
        held[0].continue_()
    page.wait_for_timeout(200)
    expect(page.locator("#badge-word")).to_have_text("Paused")
