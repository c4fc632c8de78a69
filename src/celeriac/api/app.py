"""The REST API as an application of its own, to be mounted at /api/v1."""

from __future__ import annotations

from fastapi import FastAPI

from celeriac import __version__
from celeriac.api import acts, problem, routes
from celeriac.clock import Clock
from celeriac.store import Store

PREFIX = "/api/v1"


def create_api(store: Store, clock: Clock) -> FastAPI:
    """The API over `store`; OpenAPI 3.1 at `openapi.json` beneath where it is mounted, errors as problem+json."""
    app = FastAPI(
        title="Celeriac",
        version=__version__,
        summary="The reliability layer for Celery: what failed in silence, why, and what to do.",
        docs_url=None,
        redoc_url=None,
    )
    problem.install(app)
    app.include_router(acts.router(store, clock))
    app.include_router(routes.router(store, clock))
    return app
