"""The recover loop: does what rescue requests ask, and of itself what the settings allow."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from celeriac.brokers import Broker
from celeriac.errors import BrokerError, BrokerUnavailableError, LeaseLostError, OtherBrokerError
from celeriac.recovery import republish
from celeriac.recovery.rescue import Step, is_told, plan
from celeriac.recovery.restoring import Restoring
from celeriac.recovery.wish import Wish
from celeriac.store import Entry, Request, Store

LEASE = "recover"
RESCUE = "rescue"
"""The kind of the request rows; `Wish` is their subject."""
TTL = 10.0
"""Seconds after which another may act for a holder that is silent."""
RENEW = 3.0
NEVER = float("-inf")
Auto = Literal["off", "never-started", "all"]


class RecoverLoop:
    """One step a half second, while it holds the lease. Nothing is judged or touched while nobody asks."""

    name = "recover"
    interval = 0.5

    def __init__(self, store: Store, broker: Broker, holder: str, auto: Auto = "off") -> None:
        self._store = store
        self._holder = holder
        self._auto = auto
        self._broker = broker
        self._restoring = Restoring(store, broker)
        self._tried: frozenset[object] = frozenset()
        self._held_at = NEVER

    def step(self, now: float) -> bool:
        """Finish what was begun, answer requests, then act of itself. Raises BrokerUnavailableError, StoreError."""
        if not self._holds(now):
            return False
        self._restoring.finish(lambda: self._fence(now), now)
        for request in self._store.open_requests(RESCUE):
            try:
                self._answer(request, now)
            except OtherBrokerError as error:
                self._store.settle_request(request.id, json.dumps({"error": str(error)}), now)
        if self._auto != "off":
            self._act_alone(now)
        return False

    def close(self) -> None:
        """Let the next one act at once."""
        self._store.release(LEASE, self._holder)

    def _holds(self, now: float) -> bool:
        """True while the lease is ours; it is prolonged now and then, and before every act (`_fence`)."""
        if not 0 <= now - self._held_at < RENEW:
            fence = self._store.lease(LEASE, self._holder, now, TTL)
            self._held_at = now if fence is not None else NEVER
        return self._held_at != NEVER

    def _fence(self, now: float) -> int:
        fence = self._store.lease(LEASE, self._holder, now, TTL)
        if fence is None:
            raise LeaseLostError("somebody else recovers now", hint="It goes on with what is left")
        return fence

    def _answer(self, request: Request, now: float) -> None:
        try:
            wish = Wish.parse(request.subject)
        except ValueError as error:
            self._store.settle_request(request.id, json.dumps({"error": str(error)}), now)
            return
        if wish.republish:
            self._republish(request, wish, now)
            return
        self._restoring.check()
        steps = self._plan(wish, now)
        outcomes = {} if wish.dry_run else self._put_back(steps, request.by, now)
        self._store.acted(request.id, json.dumps(_outcome(wish, steps, outcomes)), (), (), now)

    def _act_alone(self, now: float) -> None:
        """What failed once is not tried again by itself."""
        if not is_told(self._store.live_incidents()):
            self._tried = frozenset()
            return
        steps = [one for one in self._plan(Wish(), now) if one.claim is not None and self._may(one)]
        wanted = [one for one in steps if one.claim not in self._tried]
        if wanted:
            self._restoring.check()
        self._put_back(wanted, f"auto_rescue = {self._auto}", now)
        self._tried = frozenset(one.claim for one in steps)

    def _may(self, step: Step) -> bool:
        return self._auto == "all" or step.started is False

    def _plan(self, wish: Wish, now: float) -> tuple[Step, ...]:
        view = self._store.view(now)
        done = self._restoring.restored_since(view.broker.at) if view.broker is not None else frozenset()
        return tuple(one for one in plan(view, self._store.live_incidents(), wish) if one.claim not in done)

    def _put_back(self, steps: Sequence[Step], by: str, now: float) -> dict[str, str]:
        return self._restoring.put_back(steps, by, lambda: self._fence(now), now)

    def _republish(self, request: Request, wish: Wish, now: float) -> None:
        task = self._store.task(wish.task or "")
        payload = republish.payload_of(self._store.timeline(wish.task or ""))
        refused = republish.refusal(task, payload)
        if refused or wish.dry_run or task is None or payload is None:
            outcome = {"dry_run": wish.dry_run, "republished": False, "because": refused, "will": not refused}
            self._store.acted(request.id, json.dumps(outcome), (), (), now)
            return
        self._restoring.check()
        self._fence(now)
        try:
            self._broker.publish(republish.again(payload, request.id))
        except BrokerUnavailableError:
            raise
        except BrokerError as error:
            outcome = {"dry_run": False, "republished": False, "because": str(error), "will": False}
            entry = Entry(now, request.by, "republish", task.id, str(error))
            self._store.acted(request.id, json.dumps(outcome), (entry,), (), now)
            return
        entry = Entry(now, request.by, "republish", task.id, f"published again, request {request.id}")
        told = republish.told(task, payload, request.id, request.at, now)
        outcome = {"dry_run": False, "republished": True, "because": "", "will": True}
        self._store.acted(request.id, json.dumps(outcome), (entry,), (told,), now)


def _outcome(wish: Wish, steps: Sequence[Step], outcomes: dict[str, str]) -> dict[str, Any]:
    tasks = [{**step.json(), "outcome": outcomes.get(step.task_id)} for step in steps]
    counts = Counter(outcomes.values())
    return {"dry_run": wish.dry_run, "restored": counts["restored"], "tasks": tasks}
