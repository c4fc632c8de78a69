"""A real Chromium, and the dashboard over each scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from celeriac.store import Store
from lab.dashboard import Dashboard, HandClock, fill_healthy, fill_recorded, fill_trouble
from lab.need import need

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NewPage = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = need("chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store.open("sqlite://")
    yield opened
    opened.close()


@pytest.fixture
def dashboard(store: Store) -> Iterator[Dashboard]:
    """Nothing collected yet."""
    with Dashboard(store, HandClock()) as running:
        yield running


@pytest.fixture
def healthy(store: Store, dashboard: Dashboard) -> Dashboard:
    fill_healthy(store)
    return dashboard


@pytest.fixture
def trouble(store: Store, dashboard: Dashboard) -> Dashboard:
    fill_trouble(store)
    return dashboard


@pytest.fixture
def recorded(store: Store, dashboard: Dashboard) -> Dashboard:
    fill_recorded(store)
    return dashboard


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Open a page in a fresh context; keywords are the context's. Fails at the end on anything the console said."""
    said: list[str] = []
    contexts = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            said.append(message.text)

    def opened(**options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: said.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []
