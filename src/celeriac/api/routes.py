"""The REST resources. Handlers are plain functions: the framework runs them in its thread pool."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from celeriac.api import views
from celeriac.api.views.incidents import ACKNOWLEDGE, ACTIVE, SHOWN
from celeriac.clock import Clock
from celeriac.errors import NotFoundError
from celeriac.model.incident import IncidentState
from celeriac.store import Store

Json = dict[str, Any]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows per page")]
After = Annotated[str | None, Query(max_length=200, description="The `next` of the page before")]
SEARCHED = "`state: name: queue: worker: error: key: args: age: runtime: wait: since: until: has:` and free text"
_STATES = {"active": ACTIVE, "all": SHOWN} | {state.value: frozenset({state}) for state in IncidentState}


def router(store: Store, clock: Clock) -> APIRouter:
    """Every resource over `store`."""
    routes = APIRouter()
    _add_state(routes, store, clock)
    _add_tasks(routes, store, clock)
    _add_incidents(routes, store, clock)
    return routes


def _add_state(routes: APIRouter, store: Store, clock: Clock) -> None:
    @routes.get("/pulse", tags=["freshness"])
    def pulse() -> Json:
        """Server time, freshness per source, section revisions, count of open incidents."""
        return views.pulse(store, clock.now())

    @routes.get("/overview", tags=["overview"])
    def overview() -> Json:
        """Is anything wrong? Verdict, incidents, queues, workers, freshness, blind spots."""
        return views.overview(store, clock.now())

    @routes.get("/balance", tags=["ledger"])
    def balance() -> Json:
        """Every task accounted for: what was published, and where all of it stands; in total and by name."""
        return views.balance(store, clock.now())

    @routes.get("/queues", tags=["queues"])
    def queues() -> Json:
        """Every queue with depth, oldest age, growth and consumers."""
        return views.queues(store, clock.now())

    @routes.get("/workers", tags=["workers"])
    def workers() -> Json:
        """Every worker: alive, silent, dead, stopped or unknown, and what says so."""
        return views.workers(store, clock.now())

    @routes.get("/memory", tags=["workers"])
    def memory() -> Json:
        """What tasks of each name take, the one nearest to its worker's limit first; workers with a recorder only."""
        return views.memory(store, clock.now())


def _add_tasks(routes: APIRouter, store: Store, clock: Clock) -> None:
    @routes.get("/tasks", tags=["tasks"])
    def tasks(
        q: Annotated[str, Query(max_length=400, description=SEARCHED)] = "",
        after: After = None,
        limit: Limit = 50,
    ) -> Json:
        """A page of tasks, the newest change first, and the count per term of the ledger."""
        return views.tasks(store, clock.now(), query=q, after=after, limit=limit)

    @routes.get("/tasks/complete", tags=["tasks"])
    def complete(q: Annotated[str, Query(max_length=400, description="A search that is being written")] = "") -> Json:
        """What the search may go on with: whole texts, the last word completed."""
        return views.completions(store, clock.now(), query=q)

    @routes.get("/tasks/{task_id:path}", tags=["tasks"])
    def task(task_id: str) -> Json:
        """The truth about one task. An id that was never heard of has the verdict `never-seen`."""
        return views.task(store, clock.now(), task_id)


def _add_incidents(routes: APIRouter, store: Store, clock: Clock) -> None:
    @routes.get("/incidents", tags=["incidents"])
    def incidents(
        state: Annotated[str, Query(pattern=f"^({'|'.join(_STATES)})$")] = "all",
        kind: Annotated[str | None, Query(max_length=100)] = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Json:
        """A page of incidents, newest first."""
        return views.incidents(store, clock.now(), states=_STATES[state], kind=kind, after=after, limit=limit)

    @routes.get("/incidents/{incident_id}", tags=["incidents"])
    def incident(incident_id: str) -> Json:
        """One incident with its whole diagnosis (`celeriac.diagnosis/1` findings)."""
        return _found(views.incident(store, clock.now(), incident_id), incident_id)

    @routes.post("/incidents/{incident_id}/ack", tags=["incidents"], status_code=202)
    def acknowledge(incident_id: str) -> Json:
        """Ask that an open incident be acknowledged; the owning loop does it within a second."""
        _found(views.incident(store, clock.now(), incident_id), incident_id)
        return {"request": store.request(ACKNOWLEDGE, incident_id, "api", clock.now())}


def _found(incident: Json | None, incident_id: str) -> Json:
    if incident is None:
        raise NotFoundError(f"there is no incident {incident_id}", hint="List them at /api/v1/incidents")
    return incident
