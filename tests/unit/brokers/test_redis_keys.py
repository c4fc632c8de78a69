"""The names of kombu's keys."""

from __future__ import annotations

import pytest

from celeriac.brokers.redis_keys import Keys


def test_each_priority_step_has_a_list_of_its_own() -> None:
    keys = Keys("", 0)
    assert keys.list("celery", 0) == b"celery"
    assert keys.list("celery", 3) == b"celery\x06\x163"


def test_the_prefix_is_on_keys_and_channels() -> None:
    keys = Keys("app-", 2)
    assert keys.key("unacked") == b"app-unacked"
    assert keys.control == b"app-/2.celery.pidbox"
    assert keys.events == b"app-/2.celeryev/*"


def test_glob_characters_in_a_prefix_are_meant_literally() -> None:
    assert Keys("a*[b]?", 0).pattern("*") == rb"a\*\[b\]\?*"


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        (b"celery", ("celery", 0)),
        (b"celery\x06\x169", ("celery", 9)),
        (b"celery\x06\x16high", None),
        (b"w1@host.celery.pidbox", None),
        (b"0b1c.reply.celery.pidbox", None),
        (b"celeryev.1234", None),
        (b"\xff\xfe", None),
    ],
)
def test_a_key_is_split_into_queue_and_step(key: bytes, parts: tuple[str, int] | None) -> None:
    assert Keys("", 0).split(key) == parts
