"""The whole ASGI application: pages, the API beneath /api/v1, health checks, static files, behind the guard."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from celeriac.api import Store
from celeriac.api.app import PREFIX, create_api
from celeriac.api.health import router as health_router
from celeriac.api.problem import status_of
from celeriac.clock import Clock
from celeriac.errors import CeleriacError
from celeriac.loop import LoopHealth
from celeriac.settings import ServerSettings
from celeriac.web.assets import Assets
from celeriac.web.desk import Desk
from celeriac.web.guard import Guard
from celeriac.web.headers import SecurityHeaders
from celeriac.web.pages import board, incidents, ledger, overview, rescues, tasks


def create_app(
    store: Store, clock: Clock, health: Callable[[], tuple[LoopHealth, ...]], settings: ServerSettings
) -> FastAPI:
    """The application for one server. It reads `store` and writes request rows; it never calls out."""
    app = FastAPI(title="Celeriac", openapi_url=None, docs_url=None, redoc_url=None)
    desk = Desk(store, clock)
    app.include_router(health_router(health, store.watermark))
    for noun in (overview, incidents, rescues, ledger, tasks, board):
        app.include_router(noun.router(desk))
    app.mount(PREFIX, create_api(store, clock))
    app.mount("/static", Assets(), name="static")
    _answer_errors(app, desk)
    app.add_middleware(Guard, allowed_hosts=settings.allowed_hosts)
    app.add_middleware(SecurityHeaders)
    return app


def _answer_errors(app: FastAPI, desk: Desk) -> None:
    @app.exception_handler(CeleriacError)
    def ours(request: Request, error: CeleriacError) -> HTMLResponse:
        status = status_of(error)
        title = "Not found" if status == 404 else "The history cannot be read now"
        return desk.failure(request, title, str(error), status)

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> HTMLResponse:
        if error.status_code == 404:
            return desk.failure(request, "Not found", "There is no page at this address.", 404)
        return desk.failure(request, "Refused", error.detail, error.status_code)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> HTMLResponse:
        return desk.failure(
            request, "This address asks for something that does not exist", error.errors()[0]["msg"], 422
        )
