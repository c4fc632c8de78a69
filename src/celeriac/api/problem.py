"""Errors as problem+json (RFC 9457), one place for the whole HTTP edge."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from celeriac.errors import CeleriacError, ConflictError, NotFoundError, QueryError

MEDIA_TYPE = "application/problem+json"


def status_of(error: CeleriacError) -> int:
    """The HTTP status that says what `error` says: a fault of the asker, or of ours."""
    if isinstance(error, QueryError):
        return HTTPStatus.BAD_REQUEST
    if isinstance(error, NotFoundError):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, ConflictError):
        return HTTPStatus.CONFLICT
    return HTTPStatus.SERVICE_UNAVAILABLE


def problem(status: int, detail: str, **facts: object) -> JSONResponse:
    """A problem document; `facts` are extra members."""
    status = int(status)
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **facts}
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let `app` answer every error as a problem."""
    app.add_exception_handler(CeleriacError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


def _ours(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, QueryError):
        return problem(400, str(error), position=error.position)
    return problem(status_of(error) if isinstance(error, CeleriacError) else 500, str(error))


def _http(_: Request, error: Exception) -> JSONResponse:
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, str(error))
    return problem(status, str(detail))


def _invalid(_: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    where = [{"where": ".".join(str(part) for part in one["loc"]), "what": one["msg"]} for one in faults]
    return problem(422, "; ".join(f"{one['where']}: {one['what']}" for one in where), faults=where)
