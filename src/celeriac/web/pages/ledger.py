"""The ledger: the equation as a flow, by task name, and beside what the broker holds."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from celeriac.api import views
from celeriac.web.desk import Desk


def router(desk: Desk) -> APIRouter:
    """The ledger's page."""
    routes = APIRouter()

    @routes.get("/ledger")
    def ledger(request: Request) -> HTMLResponse:
        return desk.page(request, "ledger", lambda: {"ledger": views.balance(desk.store, desk.now())}, ("ledger",))

    return routes
