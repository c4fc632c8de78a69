"""Putting held tasks back: the plan first, then the act, each a page of its own address."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from celeriac.api import views
from celeriac.errors import NotFoundError
from celeriac.web.desk import Desk


def router(desk: Desk) -> APIRouter:
    """The two forms, and the page that says what came of either."""
    routes = APIRouter()

    @routes.post("/incidents/{incident_id}/rescue")
    def plan(incident_id: str) -> RedirectResponse:
        if views.incident(desk.store, desk.now(), incident_id) is None:
            raise NotFoundError(f"There is no incident {incident_id}", hint="It may be older than history is kept")
        return _asked(desk, {"incident": incident_id, "dry_run": True})

    @routes.get("/rescues/{request_id}")
    def rescue(request: Request, request_id: str) -> HTMLResponse:
        return desk.page(request, "rescue", lambda: {"rescue": _found(desk, request_id)}, ("rescue",))

    @routes.post("/rescues/{request_id}/confirm")
    def confirm(request_id: str) -> RedirectResponse:
        return _asked(desk, _found(desk, request_id)["wish"] | {"dry_run": False})

    return routes


def _asked(desk: Desk, wish: dict[str, Any]) -> RedirectResponse:
    request_id = views.ask_rescue(desk.store, desk.now(), "dashboard", wish)
    return RedirectResponse(f"/rescues/{request_id}", status_code=303)


def _found(desk: Desk, request_id: str) -> dict[str, Any]:
    found = views.rescue(desk.store, request_id)
    if found is None:
        raise NotFoundError(f"There is no rescue {request_id}", hint="It may be older than history is kept")
    return found
