"""What the recover loop puts back, what it leaves, and what a killed one left half-done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from celeriac.brokers.base import Claim
from celeriac.errors import BrokerError, BrokerUnavailableError, LeaseLostError, OtherBrokerError
from celeriac.model.attempt import AttemptState
from celeriac.model.event import RECORDED, Event
from celeriac.model.finding import Finding, Impact, Subject, finding_key
from celeriac.model.incident import Incident, IncidentState
from celeriac.model.ledger import Declaration, Term
from celeriac.recovery import RecoverLoop, Wish
from celeriac.recovery.rescue import Step, is_told
from celeriac.store import Batch, SavedIncident, Store
from lab.views import look

NOW = 1_700_000_000.0


class FakeBroker:
    """Stands for the adapters, which have tests of their own on real servers: it notes what it is asked."""

    def __init__(self) -> None:
        self.restored: list[tuple[Claim, int]] = []
        self.published: list[dict[str, Any]] = []
        self.answers: dict[str, Any] = {}
        self.label = "redis://fake:6379/0"
        self.other = False

    def was_looked_at(self, look: Any) -> bool:
        return not self.other

    def restore(self, claim: Claim, fence: int) -> Any:
        answer = self.answers.get(claim.task_id, "restored")
        if isinstance(answer, Exception):
            raise answer
        self.restored.append((claim, fence))
        return answer

    def publish(self, payload: Any) -> None:
        refusal = self.answers.get("publish")
        if refusal is not None:
            raise refusal
        self.published.append(dict(payload))


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store.open("sqlite://")
    yield opened
    opened.close()


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


def step(task_id: str, *, started: bool | None = False, refused: str = "") -> Step:
    claim = None if refused else Claim(f"tag-{task_id}", task_id, NOW - 60)
    return Step(task_id, "lab.nap", "celery", "w1@lab", "i1", started, claim, refused)


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch, store: Store) -> Iterator[list[Step]]:
    """What the plan would be; it has tests of its own on real deaths (tests/fault/test_rescue.py)."""
    steps: list[Step] = []
    monkeypatch.setattr("celeriac.recovery.loop.plan", lambda view, incidents, wish: tuple(steps))
    store.save_incidents([SavedIncident(incident(), "")], (), NOW)
    yield steps


def incident(**changes: Any) -> Incident:
    impact = Impact(held=("never", "begun"))
    key = finding_key("task-held", "w1@lab")
    found = Finding("task-held", key, "warning", "certain", Subject(worker="w1@lab"), "held", NOW, impact=impact)
    return replace(Incident("i1", key, IncidentState.OPEN, NOW, NOW, (found,), opened_at=NOW), **changes)


def outcome(store: Store, request_id: str) -> dict[str, Any]:
    asked = store.asked(request_id)
    assert asked is not None and asked.outcome is not None
    found: dict[str, Any] = json.loads(asked.outcome)
    return found


def loop(store: Store, broker: FakeBroker, auto: Any = "off", holder: str = "me") -> RecoverLoop:
    return RecoverLoop(store, broker, holder, auto)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("auto", "back"), [("off", []), ("never-started", ["never"]), ("all", ["never", "begun", "?"])]
)
def test_of_itself_it_puts_back_what_the_settings_allow_and_each_once(
    store: Store, broker: FakeBroker, plan: list[Step], auto: str, back: list[str]
) -> None:
    plan += [step("never"), step("begun", started=True), step("?", started=None), step("not", refused="alive")]
    recover = loop(store, broker, auto)
    recover.step(NOW)
    recover.step(NOW + 1)
    assert [claim.task_id for claim, _ in broker.restored] == back
    assert sorted(one.subject for one in store.audit().items) == sorted(back)


def test_a_dry_run_touches_nothing_and_a_rescue_says_what_came_of_each(
    store: Store, broker: FakeBroker, plan: list[Step]
) -> None:
    plan += [step("never"), step("odd"), step("not", refused="alive")]
    broker.answers = {"odd": BrokerError("no EVAL here")}
    dry = store.request("rescue", Wish(dry_run=True).text(), "ann", NOW)
    loop(store, broker).step(NOW)
    assert outcome(store, dry)["tasks"][0]["outcome"] is None
    assert broker.restored == []
    real = store.request("rescue", Wish().text(), "ann", NOW + 1)
    loop(store, broker).step(NOW + 1)
    told = outcome(store, real)
    assert [one["outcome"] for one in told["tasks"]] == ["restored", "no EVAL here", None]
    assert told["restored"] == 1
    task = store.task("never")
    assert task is not None and task.state is AttemptState.QUEUED
    assert store.task("odd") is None


def test_who_does_not_hold_the_lease_does_nothing(store: Store, broker: FakeBroker, plan: list[Step]) -> None:
    plan.append(step("never"))
    loop(store, broker, holder="first").step(NOW)
    loop(store, broker, "all", holder="second").step(NOW + 1)
    assert broker.restored == []


def test_what_a_rescuer_began_is_finished_by_the_next_one(store: Store, broker: FakeBroker, plan: list[Step]) -> None:
    plan += [step("never"), step("later")]
    broker.answers = {"later": BrokerUnavailableError("down")}
    request = store.request("rescue", Wish().text(), "ann", NOW)
    with pytest.raises(BrokerUnavailableError):
        loop(store, broker, holder="first").step(NOW)
    broker.answers.clear()
    plan.clear()
    loop(store, broker, holder="second").step(NOW + 60)
    assert sorted(one.subject for one in store.audit().items) == ["later", "never"]
    assert {one.outcome for one in store.audit().items} == {"restored"}
    assert broker.restored[-1][1] > broker.restored[0][1]
    assert outcome(store, request)["tasks"] == []


def test_a_fenced_rescuer_gives_way(store: Store, broker: FakeBroker, plan: list[Step]) -> None:
    plan.append(step("never"))
    broker.answers = {"never": "fenced"}
    store.request("rescue", Wish().text(), "ann", NOW)
    with pytest.raises(LeaseLostError):
        loop(store, broker).step(NOW)
    assert store.audit().items == ()


@pytest.mark.parametrize(
    "changes",
    [{"state": IncidentState.RESOLVED}, {"state": IncidentState.PENDING}, {"blind": True}, {"gone_since": NOW}],
)
def test_an_incident_that_does_not_stand_is_no_reason(changes: dict[str, Any]) -> None:
    assert is_told([incident()])
    assert not is_told([incident(**changes)])
    unsure = replace(incident().root, confidence="likely")
    assert not is_told([incident(findings=(unsure,))])


def test_a_lost_task_is_published_again_as_it_was_when_asked_for(store: Store, broker: FakeBroker) -> None:
    payload = {"body": "W10=", "headers": {"id": "one", "retries": 0}, "properties": {}, "routing_key": "celery"}
    sent = Event("e1", "task-sent", NOW, NOW, RECORDED, task_id="one", data={"name": "lab.nap", "payload": payload})
    store.record(Batch(NOW, (sent,)))
    wish = Wish(task="one", republish=True)
    early = store.request("rescue", wish.text(), "ann", NOW + 1)
    loop(store, broker).step(NOW + 1)
    assert outcome(store, early)["because"] == "it is published, not lost"
    store.declare([Declaration("one", Term.LOST, "flushed", "the broker was emptied", NOW + 0.001)], NOW + 2)
    request = store.request("rescue", wish.text(), "ann", NOW + 3)
    loop(store, broker).step(NOW + 3)
    assert outcome(store, request)["republished"]
    (published,) = broker.published
    assert published["headers"] == payload["headers"]
    assert published["properties"]["delivery_tag"]
    task = store.task("one")
    assert task is not None and task.state is AttemptState.PUBLISHED
    assert [one.act for one in store.audit("one").items] == ["republish"]


def test_what_was_put_back_after_the_newest_look_is_not_put_back_again(
    store: Store, broker: FakeBroker, plan: list[Step]
) -> None:
    plan += [step("never"), step("odd")]
    broker.answers = {"odd": BrokerError("no EVAL here")}
    store.record(Batch(NOW, look=replace(look(), at=NOW)))
    for number in (1, 2):
        request = store.request("rescue", Wish().text(), "ann", NOW + number)
        loop(store, broker).step(NOW + number)
    assert [one["task_id"] for one in outcome(store, request)["tasks"]] == ["odd"]
    assert [one.subject for one in store.audit().items if one.outcome == "restored"] == ["never"]


def test_at_another_broker_than_the_store_tells_of_nothing_is_done(
    store: Store, broker: FakeBroker, plan: list[Step]
) -> None:
    plan.append(step("never"))
    store.record(Batch(NOW, look=look()))
    broker.other = True
    for number, wish in enumerate((Wish(), Wish(dry_run=True))):
        request = store.request("rescue", wish.text(), "ann", NOW + number)
        loop(store, broker).step(NOW + number)
        assert "newest look was not at redis://fake" in outcome(store, request)["error"]
    with pytest.raises(OtherBrokerError):
        loop(store, broker, "all").step(NOW + 3)
    assert (broker.restored, store.audit().items) == ([], ())


def test_a_lost_task_that_leads_nowhere_is_said_to(store: Store, broker: FakeBroker) -> None:
    sent = Event("e1", "task-sent", NOW, NOW, RECORDED, task_id="one", data={"payload": {"body": "W10="}})
    store.record(Batch(NOW, (sent,)))
    store.declare([Declaration("one", Term.LOST, "unroutable", "no queue", NOW + 0.001)], NOW + 1)
    broker.answers = {"publish": BrokerError("it leads to no queue")}
    request = store.request("rescue", Wish(task="one", republish=True).text(), "ann", NOW + 2)
    loop(store, broker).step(NOW + 2)
    told = {"dry_run": False, "republished": False, "because": "it leads to no queue", "will": False}
    assert outcome(store, request) == told
    assert [one.outcome for one in store.audit("one").items] == ["it leads to no queue"]


def test_a_wish_is_read_as_it_was_written() -> None:
    wish = Wish(worker="w1@lab", dry_run=True)
    assert Wish.parse(wish.text()) == wish
    with pytest.raises(ValueError, match="no rescue"):
        Wish.parse('{"everything": true}')
