"""Native events out of their envelopes. The sample is a recording of Celery 5.7 over Redis."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celeriac.brokers.event_decoder import decode

SAMPLE = Path(__file__).parents[2] / "data" / "celery-events.jsonl.gz"
SEEN = 1_800_000_000.0
STARTED = {
    "type": "task-started",
    "timestamp": 1_700_000_000.25,
    "hostname": "w1@host",
    "pid": 41,
    "uuid": "a1",
    "clock": 7,
    "utcoffset": 0.0,
}


def _raw(body: object, **properties: Any) -> bytes:
    encoded = base64.b64encode(json.dumps(body).encode()).decode()
    return json.dumps(
        {
            "body": encoded,
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"hostname": "w1@host"},
            "properties": {"body_encoding": "base64", **properties},
        }
    ).encode()


def test_every_recorded_message_decodes() -> None:
    with gzip.open(SAMPLE) as lines:
        decoded = [decode(line, SEEN) for line in lines]
    assert len(decoded) > 200
    assert [one.junk for one in decoded if one.junk] == []
    events = [event for one in decoded for event in one.events]
    kinds = {event.kind for event in events}
    assert {"task-sent", "task-received", "task-started", "task-succeeded", "worker-heartbeat"} <= kinds
    assert len({event.id for event in events}) == len(events)
    assert all(event.worker and event.pid for event in events)


def test_a_real_heartbeat_keeps_its_figures() -> None:
    with gzip.open(SAMPLE) as lines:
        events = [event for line in lines for event in decode(line, SEEN).events]
    heartbeat = next(event for event in events if event.kind == "worker-heartbeat")
    assert heartbeat.task_id is None
    assert heartbeat.number("processed") is not None
    assert heartbeat.number("freq") == 2.0
    assert heartbeat.text("sw_ident") == "py-celery"


def test_an_event_has_the_senders_time_and_ours() -> None:
    (event,) = decode(_raw(STARTED), SEEN).events
    assert (event.at, event.seen, event.source) == (1_700_000_000.25, SEEN, "celeryev")
    assert (event.worker, event.pid, event.task_id) == ("w1@host", 41, "a1")
    assert dict(event.data) == {}


def test_the_id_is_the_same_however_often_and_when_it_arrives() -> None:
    first, again = decode(_raw(STARTED), SEEN).events[0], decode(_raw([STARTED]), SEEN + 60).events[0]
    assert first.id == again.id


@pytest.mark.parametrize("field", ["type", "timestamp", "hostname", "pid", "uuid", "clock"])
def test_the_id_changes_with_each_fact_that_makes_an_event(field: str) -> None:
    values = {"type": "task-received", "timestamp": 1.0, "hostname": "w2@host", "pid": 42, "uuid": "b2", "clock": 8}
    other = {**STARTED, field: values[field]}
    assert decode(_raw(other), SEEN).events[0].id != decode(_raw(STARTED), SEEN).events[0].id


def test_a_list_of_events_gives_each_of_them() -> None:
    kinds = ["task-received", "task-started", "task-succeeded"]
    decoded = decode(_raw([{**STARTED, "type": kind} for kind in kinds]), SEEN)
    assert [event.kind for event in decoded.events] == kinds


def test_an_applications_own_event_is_ignored_and_no_junk() -> None:
    decoded = decode(_raw({**STARTED, "type": "order-shipped"}), SEEN)
    assert (decoded.events, decoded.junk) == ((), "")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b'{"body": "%%%", "properties": {"body_encoding": "base64"}}',
        _raw("text"),
        _raw({"type": "task-started"}),
        _raw({**STARTED, "timestamp": "soon"}),
        _raw({**STARTED, "uuid": None}),
        _raw({**STARTED, "timestamp": 1e999}),
        _raw({**STARTED, "timestamp": 1e300}),
        _raw({**STARTED, "hostname": None}),
        _raw({**STARTED, "pid": 10**30}),
        _raw({**STARTED, "hostname": "\ud800"}),
        b"[" * 100_000,
    ],
)
def test_junk_is_told_with_a_short_example(raw: bytes) -> None:
    decoded = decode(raw, SEEN)
    assert decoded.events == ()
    assert 0 < len(decoded.junk) < 800


def test_a_bad_event_does_not_take_its_neighbours_with_it() -> None:
    decoded = decode(_raw([STARTED, {"type": "task-started"}, {**STARTED, "uuid": "b2"}]), SEEN)
    assert [event.task_id for event in decoded.events] == ["a1", "b2"]
    assert decoded.junk


@given(st.binary(max_size=300))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    decode(raw, SEEN)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(sorted(STARTED)), inner),
    )
)
def test_no_body_makes_it_raise(body: object) -> None:
    decode(_raw(body), SEEN)
