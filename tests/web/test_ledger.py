"""The ledger's page: the equation as a flow, by name, against the broker; and what cannot be seen is not a zero."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import expect

from lab.axe import faults
from lab.books import fill_books
from lab.dashboard import Dashboard

pytestmark = pytest.mark.chromium


@pytest.fixture
def books(dashboard: Dashboard) -> Dashboard:
    fill_books(dashboard.store)
    return dashboard


def test_the_flow_says_where_every_published_task_stands(books: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{books.url}/ledger")
    expect(page.locator("#ledger .lede")).to_contain_text(
        "it adds up 101 published and 2 more that were only seen later"
    )
    drawn = page.get_by_role("img", name="103 tasks: 20 waiting, 4 reserved, 3 running, 4 held, 62 succeeded")
    expect(drawn).to_be_visible()
    bands = drawn.locator("g").all()
    tall = {band.locator("text").text_content(): band.locator(".flow-bar").bounding_box()["height"] for band in bands}
    assert tall["62 succeeded"] > tall["20 waiting"] > tall["1 unknown"] >= 2


def test_labels_of_thin_bands_do_not_overlap(books: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{books.url}/ledger")
    boxes = [text.bounding_box() for text in page.locator(".flow g text").all()]
    assert all(upper["y"] + upper["height"] * 0.8 <= lower["y"] + 1 for upper, lower in pairwise(boxes))


def test_a_figure_leads_to_its_tasks(books: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{books.url}/ledger")
    row = page.get_by_role("region", name="The ledger by task name").locator("tbody tr").filter(has_text="exports.csv")
    row.get_by_role("link", name="4", exact=True).first.click()
    expect(page).to_have_url(re.compile(r"/tasks\?q=state%3A"))


def test_without_publishes_on_record_the_sum_is_unknown_and_says_why(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{healthy.url}/ledger")
    expect(page.locator("#ledger")).to_contain_text("no worker runs Celeriac's recorder")


def test_before_anything_was_heard_nothing_is_counted_as_zero(dashboard: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{dashboard.url}/ledger")
    expect(page.locator("#ledger .lede")).to_contain_text("cannot be said")
    expect(page.locator("#ledger")).to_contain_text("No task has been heard of")
    expect(page.locator("#ledger")).to_contain_text("no task event has been heard")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_ledger_passes_axe(books: Dashboard, new_page: Any, scheme: str, width: int) -> None:
    page = new_page(bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(f"{books.url}/ledger")
    assert faults(page, scheme) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_it_refreshes_itself(dashboard: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{dashboard.url}/ledger")
    fill_books(dashboard.store)
    expect(page.locator("#ledger .lede")).to_contain_text("it adds up", timeout=10_000)


def test_on_a_phone_every_term_is_a_line_that_leads_to_its_tasks(books: Dashboard, new_page: Any) -> None:
    page = new_page(viewport={"width": 360, "height": 780})
    page.goto(f"{books.url}/ledger")
    lines = page.get_by_role("list", name="Where they stand")
    expect(lines.get_by_role("listitem")).to_have_count(9)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    lines.get_by_role("link", name="2 lost").click()
    expect(page).to_have_url(re.compile(r"/tasks\?q=state%3Alost"))
