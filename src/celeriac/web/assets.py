"""Static files from the package, named by what is in them: a changed file has a new address, so caches keep it long."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

ROOT = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
BRIEFLY = "public, max-age=60"


@cache
def digest(name: str) -> str:
    """12 hex digits of the file's SHA-256."""
    return hashlib.sha256((ROOT / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """The address of a static file. FileNotFoundError when there is none: a fault of the template."""
    return f"/static/{name}?v={digest(name)}"


class Assets(StaticFiles):
    """The files under `static/`, cached for ever when asked for by their digest."""

    def __init__(self) -> None:
        super().__init__(directory=ROOT)

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file, with how long it may be kept."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = FOREVER if b"v=" in scope["query_string"] else BRIEFLY
        return response
