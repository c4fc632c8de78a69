"""Celery's messages as they stand in Redis."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celeriac.brokers.messages import MESSAGE_LIMIT, read_body, read_delivery, read_message


def _message(**headers: Any) -> dict[str, Any]:
    return {
        "body": "W10=",
        "content-type": "application/json",
        "headers": {"id": "a1", "task": "exports.csv", **headers},
        "properties": {"correlation_id": "a1", "delivery_tag": "t1", "body_encoding": "base64"},
    }


def _raw(value: object) -> bytes:
    return json.dumps(value).encode()


def test_id_name_and_eta_are_read_from_the_headers() -> None:
    message = read_message(_raw(_message(eta="2026-11-21T04:50:15+00:00")))
    assert message is not None
    assert (message.task_id, message.name, message.eta) == ("a1", "exports.csv", "2026-11-21T04:50:15+00:00")
    assert not message.redelivered


def test_a_restored_message_says_so() -> None:
    message = read_message(_raw(_message(redelivered=True)))
    assert message is not None
    assert message.redelivered


def test_a_protocol_1_message_is_known_by_its_correlation_id() -> None:
    message = read_message(_raw({**_message(), "headers": {}}))
    assert message is not None
    assert (message.task_id, message.name) == ("a1", None)


def test_a_delivery_carries_exchange_and_routing_key() -> None:
    delivery = read_delivery(_raw([_message(), "", "celery"]))
    assert delivery is not None
    assert (delivery.message.task_id, delivery.exchange, delivery.routing_key) == ("a1", "", "celery")


@pytest.mark.parametrize("raw", [b"", b"hello", b"[]", b"{}", b"null", b'{"properties": 1}', b"[" * 100_000])
def test_what_is_no_message_is_none(raw: bytes) -> None:
    assert read_message(raw) is None
    assert read_delivery(raw) is None


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    read_message(raw)
    read_delivery(raw)


def test_a_message_over_the_limit_is_not_decoded() -> None:
    assert read_message(_raw(_message(padding="x" * MESSAGE_LIMIT))) is None


def test_a_body_is_taken_out_of_base64_and_left_alone_without() -> None:
    envelope = _message()
    assert read_body(_raw(envelope)) == b"[]"
    assert read_body(_raw({**envelope, "body": '{"é": 1}', "properties": {}})) == '{"é": 1}'.encode()


@pytest.mark.parametrize(
    "change",
    [
        {"content-type": "application/x-python-serialize"},
        {"body": "not base64!"},
        {"body": None},
        {"properties": None},
    ],
)
def test_a_body_that_cannot_be_read_says_why(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_body(_raw({**_message(), **change}))
