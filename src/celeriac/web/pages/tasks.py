"""Tasks: the search, and one task's truth."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from celeriac.api import views
from celeriac.api.search import KEYS, with_state
from celeriac.api.views.tasks import TERMS
from celeriac.errors import QueryError
from celeriac.web.desk import Desk, search_link


def router(desk: Desk) -> APIRouter:
    """The list and the detail."""
    routes = APIRouter()

    @routes.get("/tasks")
    def tasks(
        request: Request,
        q: Annotated[str, Query(max_length=2000)] = "",
        after: Annotated[str | None, Query(max_length=200)] = None,
    ) -> HTMLResponse:
        return desk.page(request, "tasks", lambda: _search(desk, q, after), ("tasks",))

    @routes.get("/tasks/complete")
    def complete(q: Annotated[str, Query(max_length=400)] = "") -> HTMLResponse:
        known = views.completions(desk.store, desk.now(), query=q)
        return HTMLResponse(desk.environment.get_template("parts/completions.html").render(known))

    @routes.get("/t/{task_id:path}")
    def task(request: Request, task_id: str) -> HTMLResponse:
        return desk.page(request, "task", lambda: {"task": views.task(desk.store, desk.now(), task_id)}, ("task",))

    return routes


def _search(desk: Desk, query: str, after: str | None) -> dict[str, Any]:
    """What was found, or where the query is at fault: that is an answer too, and the box must show it."""
    asked = {"query": query, "after": after, "starts": [f"{key}:" for key in KEYS]}
    try:
        found = views.tasks(desk.store, desk.now(), query=query, after=after)
    except QueryError as fault:
        return asked | {"fault": fault, "tasks": None, "tabs": []}
    return asked | {"fault": None, "tasks": found, "tabs": _tabs(query, found)}


def _tabs(query: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    """One tab for all, and one per term that has tasks or is chosen; the rest of the query stays."""
    counts: dict[str, int] = found["counts"]
    bare = with_state(query, None)
    tabs = [{"label": "all", "link": search_link(bare), "count": sum(counts.values()), "chosen": query == bare}]
    for state in TERMS:
        link = with_state(query, state)
        if counts.get(state) or query == link:
            tabs.append(
                {"label": state, "link": search_link(link), "count": counts.get(state, 0), "chosen": query == link}
            )
    return tabs
