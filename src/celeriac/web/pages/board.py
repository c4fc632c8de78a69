"""The two boards: every queue, every worker."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from celeriac.api import views
from celeriac.web.desk import Desk


def router(desk: Desk) -> APIRouter:
    """Queues and workers."""
    routes = APIRouter()

    @routes.get("/queues")
    def queues(request: Request) -> HTMLResponse:
        return desk.page(request, "queues", lambda: _board("queues", views.queues(desk.store, desk.now())), ("queues",))

    @routes.get("/workers")
    def workers(request: Request) -> HTMLResponse:
        return desk.page(request, "workers", lambda: _workers(desk), ("workers", "memory"))

    return routes


def _workers(desk: Desk) -> dict[str, Any]:
    return _board("workers", views.workers(desk.store, desk.now())) | {"memory": views.memory(desk.store, desk.now())}


def _board(noun: str, facts: dict[str, Any]) -> dict[str, Any]:
    """What the section shared with the overview needs."""
    return {"overview": {noun: facts["items"]}, "compact": False}
