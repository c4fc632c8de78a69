"""Every page in a real Chromium: under the strict CSP, without a word in the console, accessible, at 360 px."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from celeriac.web.headers import CONTENT_SECURITY_POLICY
from lab.axe import faults
from lab.dashboard import FAILED, INCIDENT, LOST, Dashboard

pytestmark = pytest.mark.chromium
BOARDS = ("/", "/incidents", "/tasks", "/queues", "/workers")


@pytest.mark.parametrize("path", [*BOARDS, f"/incidents/{INCIDENT}", f"/t/{LOST}", "/t/never"])
def test_a_page_renders_under_the_strict_policy(trouble: Dashboard, new_page: Any, path: str) -> None:
    page = new_page()
    answer = page.goto(trouble.url + path)
    assert answer.status == 200
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator("#badge-word")).to_have_text("Live")
    assert page.evaluate("() => document.documentElement.classList.contains('scripted')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_in_trouble(trouble: Dashboard, new_page: Any, scheme: str) -> None:
    page = new_page(color_scheme=scheme, bypass_csp=True)
    for path in (*BOARDS, f"/incidents/{INCIDENT}", f"/t/{LOST}"):
        page.goto(trouble.url + path)
        assert faults(page, scheme) == [], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_in_health_when_stale_and_when_empty(
    healthy: Dashboard, new_page: Any, scheme: str
) -> None:
    page = new_page(color_scheme=scheme, bypass_csp=True)
    for path in ("/", "/tasks", f"/t/{FAILED}", "/t/never"):
        page.goto(healthy.url + path)
        assert faults(page, scheme) == [], path
    healthy.clock.at += 20
    page.goto(healthy.url)
    assert faults(page, scheme) == [], "stale"


@pytest.mark.parametrize("path", [*BOARDS, f"/incidents/{INCIDENT}", f"/t/{LOST}"])
def test_a_page_fits_360_pixels(trouble: Dashboard, new_page: Any, path: str) -> None:
    page = new_page(viewport={"width": 360, "height": 740})
    page.goto(trouble.url + path)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360


def test_the_overview_says_what_is_wrong_first(trouble: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(trouble.url)
    expect(page.locator("h1")).to_contain_text("main process was killed by the kernel")
    expect(page.locator("#incident-count")).to_have_text("1")
    expect(page.locator("#queues")).to_contain_text("1,487")
    expect(page.locator("#workers")).to_contain_text("dead")
    page.get_by_role("link", name="Read the diagnosis").click()
    expect(page.locator("#incident")).to_contain_text("oom_kill rose from 0 to 1")


def test_the_diagnosis_stands_in_its_order(trouble: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{trouble.url}/incidents/{INCIDENT}")
    assert page.locator("#incident h2").all_text_contents() == [
        "Evidence",
        "Ruled out",
        "Impact",
        "Fix",
        "Verify",
        "Prevent",
        "When would an ordinary alert have paged?",
        "What could not be seen",
        "Log",
        "Playbook",
    ]
    expect(page.locator("#incident")).to_contain_text("could not be known")
    expect(page.locator(".playbook")).to_contain_text("<script>alert(1)</script>")


def test_a_command_can_be_copied(trouble: Dashboard, new_page: Any) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{trouble.url}/incidents/{INCIDENT}")
    page.get_by_role("button", name="Copy ps -p 4121").click()
    expect(page.get_by_role("button", name="Copied ps -p 4121")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == "ps -p 4121"


def test_the_lost_task_is_called_lost_and_leads_to_its_incident(trouble: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{trouble.url}/t/{LOST}")
    expect(page.locator(".verdict-word")).to_have_text("lost")
    page.get_by_role("link", name="Read the diagnosis").click()
    expect(page).to_have_url(f"{trouble.url}/incidents/{INCIDENT}")


def test_the_incidents_list_keeps_its_choice(trouble: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{trouble.url}/incidents")
    expect(page.locator(".tabs [aria-current]")).to_have_text("all")
    expect(page.locator(".incident")).to_have_count(2)
    page.get_by_role("link", name="open", exact=True).click()
    expect(page.locator(".tabs [aria-current]")).to_have_text("open")
    expect(page.locator(".incident")).to_have_count(1)


def test_an_empty_store_says_why_it_is_empty_and_claims_no_health(dashboard: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(dashboard.url)
    expect(page.locator("h1")).to_have_text("Cannot tell whether anything is wrong")
    expect(page.locator("#badge-word")).to_have_text("Not live")
    expect(page.locator("#sources")).to_contain_text("celeriac serve --broker URL")
    page.goto(f"{dashboard.url}/tasks")
    expect(page.locator("#tasks")).to_contain_text("--enable-events")


def test_an_incident_is_acknowledged_without_javascript(trouble: Dashboard, new_page: Any) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{trouble.url}/incidents/{INCIDENT}")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".asked")).to_be_visible()
    assert [(one.subject, one.by) for one in trouble.store.open_requests("acknowledge")] == [(INCIDENT, "dashboard")]
