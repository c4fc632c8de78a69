"""The two boards: every queue, every worker."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from celeriac.api import views
from celeriac.web.desk import Desk


def router(desk: Desk) -> APIRouter:
    """Queues and workers."""
    routes = APIRouter()

    @routes.get("/queues")
    def queues(request: Request) -> HTMLResponse:
        facts = views.queues(desk.store, desk.now())
        return desk.page(request, "queues", sections=("queues",), overview={"queues": facts["items"]}, compact=False)

    @routes.get("/workers")
    def workers(request: Request) -> HTMLResponse:
        facts = views.workers(desk.store, desk.now())
        return desk.page(request, "workers", sections=("workers",), overview={"workers": facts["items"]}, compact=False)

    return routes
