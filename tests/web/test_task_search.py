"""Finding tasks by hand: the search box, the tabs, the pages, and what a fault looks like."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from lab.dashboard import FAILED, Dashboard

pytestmark = pytest.mark.chromium


def test_a_search_filters_and_stands_in_the_address(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{healthy.url}/tasks")
    page.get_by_role("combobox").fill("state:failure name:exports.*")
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(f"{healthy.url}/tasks?q=state%3Afailure+name%3Aexports.*")
    rows = page.locator("#tasks tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("smtp.example.com refused")
    rows.get_by_role("link").first.click()
    expect(page).to_have_url(f"{healthy.url}/t/{FAILED}")
    expect(page.locator(".traceback")).to_contain_text('File "mail.py", line 12')


def test_a_tab_keeps_the_rest_of_the_search(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{healthy.url}/tasks?q=name:exports.csv")
    page.get_by_role("link", name="failed 1").click()
    expect(page.get_by_role("combobox")).to_have_value("state:failed name:exports.csv")
    expect(page.locator("#tasks tbody tr")).to_have_count(1)


def test_a_faulty_search_is_told_in_the_refreshed_part_too(healthy: Dashboard, new_page: Any) -> None:
    answer = new_page().request.get(f"{healthy.url}/tasks?q=nmae:x&part=tasks")
    assert (answer.status, "nmae: is not known" in answer.text()) == (200, True)


def test_pages_show_every_task_once(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{healthy.url}/tasks?q=state:succeeded")
    seen = page.locator("#tasks tbody .id").all_text_contents()
    while page.get_by_role("link", name="Older").count():
        page.get_by_role("link", name="Older").click()
        expect(page.get_by_role("link", name="Newest")).to_be_visible()
        page.wait_for_load_state()
        fresh = page.locator("#tasks tbody .id").all_text_contents()
        assert not set(fresh) & set(seen)
        seen += fresh
    assert len(seen) == 130


def test_a_search_without_a_match_offers_the_way_out(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{healthy.url}/tasks?q=queue:nowhere")
    expect(page.locator("#tasks")).to_contain_text("No task matches queue:nowhere")
    page.get_by_role("link", name="Show all tasks").click()
    expect(page.locator("#tasks tbody tr")).to_have_count(50)


def test_the_box_completes_the_last_word(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{healthy.url}/tasks")
    expect(page.locator("#q-words option").first).to_have_attribute("value", "state:")
    page.get_by_role("combobox").press_sequentially("state:failed name:exp")
    expect(page.locator("#q-words option")).to_have_count(1)
    expect(page.locator("#q-words option")).to_have_attribute("value", "state:failed name:exports.csv")


def test_a_task_shows_what_its_verdict_stands_on(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{healthy.url}/t/{FAILED}")
    evidence = page.get_by_role("region", name="Evidence", exact=True)
    expect(evidence.get_by_role("listitem").last).to_contain_text("failed on celery@web-1")
    expect(evidence.get_by_role("listitem").last).to_contain_text("task-failed in Celery's events")
