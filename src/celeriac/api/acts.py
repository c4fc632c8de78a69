"""The REST resources of recovery: asking for a rescue, what came of it, and the audit."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from celeriac.api import views
from celeriac.clock import Clock
from celeriac.errors import NotFoundError
from celeriac.store import Store

Json = dict[str, Any]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows per page")]
After = Annotated[str | None, Query(max_length=200, description="The `next` of the page before")]
Name = Annotated[str | None, Field(max_length=400)]


class RescueWish(BaseModel):
    """Whose held tasks go back: a worker's, an incident's, one task, or all without any of them."""

    model_config = ConfigDict(extra="forbid")

    worker: Name = None
    task: Name = None
    incident: Name = None
    republish: bool = Field(default=False, description="Publish the lost `task` once more, under its own id")
    dry_run: bool = Field(default=True, description="Only say what would be done")


def router(store: Store, clock: Clock) -> APIRouter:
    """Every resource over `store`."""
    routes = APIRouter(tags=["recovery"])

    @routes.post("/rescues", status_code=202)
    def ask(wish: RescueWish) -> Json:
        """Ask for a rescue, or for its plan; the owning loop answers within a second, at `rescues/{id}`."""
        return {"request": views.ask_rescue(store, clock.now(), "api", wish.model_dump())}

    @routes.get("/rescues")
    def rescues(after: After = None, limit: Limit = 50) -> Json:
        """What was asked for, the newest first."""
        return views.rescues(store, clock.now(), after=after, limit=limit)

    @routes.get("/rescues/{request_id}")
    def rescue(request_id: str) -> Json:
        """One rescue: each task, whether it goes back and why, and what came of it. `outcome` is null until then."""
        found = views.rescue(store, request_id)
        if found is None:
            raise NotFoundError(f"there is no rescue {request_id}", hint="List them at /api/v1/rescues")
        return found

    @routes.get("/audit")
    def audit(
        subject: Annotated[str | None, Query(max_length=400, description="A task id")] = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Json:
        """What was done to the system: when, by whom, to what, and what came of it; the newest first."""
        return views.audit(store, clock.now(), subject=subject, after=after, limit=limit)

    return routes
