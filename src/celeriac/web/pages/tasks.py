"""Tasks: the search, and one task's truth."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from celeriac.api import views
from celeriac.api.search import with_state
from celeriac.api.views.tasks import STATES
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
        try:
            found = views.tasks(desk.store, desk.now(), query=q, after=after)
        except QueryError as fault:
            return desk.page(
                request, "tasks", sections=("tasks",), status=400, fault=fault, query=q, after=after, tasks=None, tabs=[]
            )
        return desk.page(
            request, "tasks", sections=("tasks",), fault=None, query=q, after=after, tasks=found, tabs=_tabs(q, found)
        )

    @routes.get("/t/{task_id:path}")
    def task(request: Request, task_id: str) -> HTMLResponse:
        return desk.page(request, "task", sections=("task",), task=views.task(desk.store, desk.now(), task_id))

    return routes


def _tabs(query: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    """One tab for all, and one per state that has tasks or is chosen; the rest of the query stays."""
    counts: dict[str, int] = found["counts"]
    bare = with_state(query, None)
    tabs = [{"label": "all", "link": search_link(bare), "count": sum(counts.values()), "chosen": query == bare}]
    for state in STATES:
        link = with_state(query, state)
        if counts.get(state) or query == link:
            tabs.append(
                {"label": state, "link": search_link(link), "count": counts.get(state, 0), "chosen": query == link}
            )
    return tabs
