"""/healthz: is this process alive? /readyz: can it answer? For supervisors, so short and without secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from celeriac.errors import StoreError
from celeriac.loop import LoopHealth


def router(health: Callable[[], tuple[LoopHealth, ...]], ready: Callable[[], object]) -> APIRouter:
    """Both checks. `ready` raises StoreError when the store cannot be read."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    def healthz() -> JSONResponse:
        """503 when a loop's thread has ended; a loop that fails and retries is alive."""
        loops = health()
        alive = all(loop.running for loop in loops)
        return _answer(alive, {"loops": [_loop(loop) for loop in loops]})

    @routes.get("/readyz")
    def readyz() -> JSONResponse:
        """503 while the store cannot be read."""
        try:
            ready()
        except StoreError as error:
            return _answer(False, {"store": str(error)})
        return _answer(True, {"store": "ok"})

    return routes


def _answer(well: bool, facts: dict[str, Any]) -> JSONResponse:
    return JSONResponse({"status": "ok" if well else "failing", **facts}, status_code=200 if well else 503)


def _loop(loop: LoopHealth) -> dict[str, Any]:
    return {"name": loop.name, "running": loop.running, "failures": loop.failures, "error": loop.error}
