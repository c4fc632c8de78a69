"""The first page: is anything wrong?"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from celeriac.api import views
from celeriac.web.desk import Desk

SECTIONS = ("verdict", "active", "queues", "workers", "sources")


def router(desk: Desk) -> APIRouter:
    """The overview."""
    routes = APIRouter()

    @routes.get("/")
    def overview(request: Request) -> HTMLResponse:
        return desk.page(
            request, "overview", lambda: {"overview": views.overview(desk.store, desk.now()), "compact": True}, SECTIONS
        )

    return routes
