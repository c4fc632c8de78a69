"""What a publisher's recorder tells of groups and chords, and the key a task has in the user's own business."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from celeriac.model.event import Event
from lab.record import Record, record
from lab.redis import RedisServer
from lab.script import run

pytestmark = pytest.mark.redis


@pytest.fixture
def told(redis: RedisServer) -> Iterator[Record]:
    redis.client().flushall()
    with record(redis.url) as read:
        yield read


def sent(told: Record) -> dict[str, Event]:
    return {str(event.task_id): event for event in told.events if event.kind == "task-sent"}


def test_a_chords_members_are_told_with_their_group_and_the_body_that_waits_for_them(
    redis: RedisServer, told: Record
) -> None:
    facts = run(
        """
        from celery import chord, signature
        app.conf.result_backend = os.environ["LAB_BROKER"]
        celeriac.install(app)
        header = [signature("lab.noop", args=(n,), app=app) for n in range(3)]
        body = chord(header, app=app)(signature("lab.gather", app=app))
        tell(body=body.id, group=body.parent.id, members=[one.id for one in body.parent.results])
        """,
        broker=redis.url,
    )
    told.until(lambda: len(sent(told)) == 3)
    assert set(sent(told)) == set(facts["members"])
    for event in sent(told).values():
        assert (event.data["group_id"], event.data["chord"]) == (facts["group"], facts["body"])
        assert event.data["chord_name"] == "lab.gather"


@pytest.mark.parametrize("protocol", [1, 2])
def test_the_header_celeriac_key_is_the_tasks_business_key(redis: RedisServer, told: Record, protocol: int) -> None:
    run(
        f"""
        app.conf.task_protocol = {protocol}
        celeriac.install(app)
        app.send_task("lab.noop", task_id="keyed", headers={{"celeriac_key": "order-17"}})
        app.send_task("lab.noop", task_id="plain")
        """,
        broker=redis.url,
    )
    told.until(lambda: len(sent(told)) == 2)
    assert sent(told)["keyed"].data["key"] == "order-17"
    assert not {"key", "group_id", "chord", "chord_name"} & sent(told)["plain"].data.keys()
