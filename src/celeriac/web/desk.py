"""What every page needs: the store to ask, the time, and the templates to answer with."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from celeriac import __version__
from celeriac.api import Store, views
from celeriac.clock import Clock
from celeriac.web.assets import asset
from celeriac.web.curve import curve
from celeriac.web.flow import flow
from celeriac.web.playbook import playbook_html
from celeriac.web.sparkline import sparkline
from celeriac.web.words import FILTERS

NAVIGATION = (
    ("/", "Overview"),
    ("/incidents", "Incidents"),
    ("/ledger", "Ledger"),
    ("/tasks", "Tasks"),
    ("/queues", "Queues"),
    ("/workers", "Workers"),
)


def task_link(task_id: str) -> str:
    """The address of a task's page; ids are free text."""
    return f"/t/{quote(task_id, safe='')}"


def search_link(query: str, **more: str) -> str:
    """The address of a task search."""
    return f"/tasks?{urlencode({'q': query, **more})}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("celeriac.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.globals.update(
        asset=asset,
        curve=curve,
        flow=flow,
        navigation=NAVIGATION,
        playbook_html=playbook_html,
        search_link=search_link,
        sparkline=sparkline,
        task_link=task_link,
        version=__version__,
    )
    return environment


@dataclass(frozen=True, slots=True)
class Desk:
    """Renders pages, and single sections of them (`sections/NAME.html`, asked for by `?part=NAME`)."""

    store: Store
    clock: Clock
    environment: Environment = field(default_factory=_environment)

    def now(self) -> float:
        """Unix seconds."""
        return self.clock.now()

    def page(
        self, request: Request, name: str, facts: Callable[[], dict[str, Any]], sections: Collection[str]
    ) -> HTMLResponse:
        """The page, or the one of its `sections` that was asked for.

        The pulse is taken before the facts, so that what changes in between is fetched again and not missed.
        """
        common: dict[str, Any] = {"path": request.url.path, "here": _here(request)}
        part = request.query_params.get("part")
        if part in sections:
            return HTMLResponse(self.environment.get_template(f"sections/{part}.html").render(facts() | common))
        common["pulse"] = views.pulse(self.store, self.now())
        return HTMLResponse(self.environment.get_template(f"{name}.html").render(facts() | common))

    def failure(self, request: Request, title: str, detail: str, status: int) -> HTMLResponse:
        """An error page; it asks the store nothing, for the store may be what failed."""
        template = self.environment.get_template("failure.html")
        facts = {"path": request.url.path, "title": title, "detail": detail, "pulse": None}
        return HTMLResponse(template.render(facts), status)


def _here(request: Request) -> str:
    """This address, ready for the name of a section to be added."""
    kept = [(key, value) for key, value in request.query_params.multi_items() if key != "part"]
    return f"{request.url.path}?{urlencode([*kept, ('part', '')])}"
