"""Incidents: the list, one with its whole diagnosis, and taking one on."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from celeriac.api import views
from celeriac.api.views.incidents import ACKNOWLEDGE, ACTIVE, SHOWN
from celeriac.errors import NotFoundError
from celeriac.web.desk import Desk


def router(desk: Desk) -> APIRouter:
    """The list, the detail, the form."""
    routes = APIRouter()

    @routes.get("/incidents")
    def incidents(
        request: Request,
        state: Annotated[str, Query(pattern="^(active|all)$")] = "all",
        after: Annotated[str | None, Query(max_length=200)] = None,
    ) -> HTMLResponse:
        states = ACTIVE if state == "active" else SHOWN
        return desk.page(
            request,
            "incidents",
            lambda: {
                "incidents": views.incidents(desk.store, desk.now(), states=states, after=after),
                "state": state,
                "after": after,
            },
            ("incidents",),
        )

    @routes.get("/incidents/{incident_id}")
    def incident(request: Request, incident_id: str) -> HTMLResponse:
        return desk.page(request, "incident", lambda: {"incident": _found(desk, incident_id)}, ("incident",))

    @routes.post("/incidents/{incident_id}/ack")
    def acknowledge(incident_id: str) -> RedirectResponse:
        _found(desk, incident_id)
        desk.store.request(ACKNOWLEDGE, incident_id, "dashboard", desk.now())
        return RedirectResponse(f"/incidents/{incident_id}", status_code=303)

    return routes


def _found(desk: Desk, incident_id: str) -> dict[str, Any]:
    found = views.incident(desk.store, desk.now(), incident_id)
    if found is None:
        raise NotFoundError(f"There is no incident {incident_id}", hint="It may be older than history is kept")
    return found
