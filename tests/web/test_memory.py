"""Memory on pages: a curve with its figures in words, bars beside numbers, and never a number that was not seen."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from lab.axe import faults
from lab.dashboard import HEAVY, INCIDENT, Dashboard

pytestmark = pytest.mark.chromium


def test_an_incident_draws_the_last_minute_of_the_child_that_died(trouble: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{trouble.url}/incidents/{INCIDENT}")
    drawn = page.get_by_role("img", name="Memory of exports.csv, child 4130")
    expect(drawn).to_be_visible()
    expect(page.locator(".curve figcaption")).to_have_text(
        "exports.csv, child 4130: from 31 MB to 60 MB in 7 s, at most 60 MB; the limit is 96 MB"
    )
    top, line = (page.locator(f".curve {shape}").bounding_box() for shape in ("line", "polyline"))
    assert top["y"] < line["y"]


def test_a_curve_is_drawn_without_javascript(trouble: Dashboard, new_page: Any) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{trouble.url}/incidents/{INCIDENT}")
    expect(page.locator(".curve polyline")).to_be_visible()


def test_workers_show_what_each_child_takes_of_the_limit(recorded: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{recorded.url}/workers")
    row = page.locator("#workers tbody tr")
    expect(row).to_contain_text("recorded")
    expect(row).to_contain_text("of 4")
    expect(row).to_contain_text("takes 16 ahead")
    expect(row).to_contain_text("88 MB")
    expect(row).to_contain_text("of 96 MB")
    row.get_by_text("3 children, at most 52 MB").click()
    expect(row.locator(".children li").first).to_contain_text("52 MB")
    expect(row.locator(".children").get_by_role("link", name="exports.csv")).to_be_visible()


def test_the_task_name_nearest_to_its_limit_comes_first(recorded: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{recorded.url}/workers")
    rows = page.locator("#memory tbody tr")
    assert [text.split()[0] for text in rows.locator("th a").all_text_contents()] == [
        *("exports.csv", "reports.build", "mail.send")
    ]
    expect(rows.first).to_contain_text("81 %")
    expect(rows.first).to_contain_text("of 96 MB")


def test_a_task_draws_its_run_beneath_its_workers_limit(recorded: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{recorded.url}/t/{HEAVY}")
    expect(page.locator(".curve figcaption")).to_have_text(
        "Its process: from 20 MB to 78 MB in 3 s, at most 78 MB; the limit is 96 MB"
    )
    expect(page.locator(".curve line")).to_have_count(1)
    expect(page.locator("tbody tr").first).to_contain_text("78 MB")
    expect(page.locator("tbody tr").first).to_contain_text("child 4130")


def test_what_no_recorder_told_is_not_known(healthy: Dashboard, new_page: Any) -> None:
    page = new_page()
    page.goto(f"{healthy.url}/workers")
    expect(page.locator("#workers tbody tr").first).to_contain_text("not known")
    expect(page.locator("#memory")).to_contain_text("No run has told its memory")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_memory_is_accessible_and_fits_360_pixels(recorded: Dashboard, new_page: Any, scheme: str) -> None:
    page = new_page(color_scheme=scheme, bypass_csp=True, viewport={"width": 360, "height": 740})
    for path in ("/workers", f"/t/{HEAVY}"):
        page.goto(recorded.url + path)
        assert faults(page, scheme) == [], path
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
