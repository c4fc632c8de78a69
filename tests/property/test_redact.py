"""Redaction: whatever stands under a secret's name never survives, and no text makes it raise."""

from __future__ import annotations

import json
import time
from typing import Any

from celery.utils.saferepr import saferepr
from hypothesis import given
from hypothesis import strategies as st

from celeriac.model.redact import HIDDEN, LONGEST, WORDS, Redactor

SECRET = "hunter2hunter2"
REDACTOR = Redactor(["pin-code"])

words = st.sampled_from(
    [*WORDS, "api_key", "API-Key", "accessKey", "private_key", "Set-Cookie", "ssn", "userSSN", "PinCode"]
)
keys = st.builds(
    lambda before, word, after, shout: (before + word + after).upper() if shout else before + word + after,
    st.sampled_from(["", "my_", "user-", "X-"]),
    words,
    st.sampled_from(["", "_id", "-2", "s"]),
    st.booleans(),
)
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=10)
secrets = st.just(SECRET) | st.just([SECRET]) | st.just({"value": SECRET}) | st.just(SECRET.encode())
values: st.SearchStrategy[Any] = st.recursive(
    plain | st.builds(lambda key, secret: {key: secret}, keys, secrets),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
        | st.builds(lambda key, secret, more: {"a": more, key: secret, "z": more}, keys, secrets, inner)
        | st.builds(lambda key, secret: [(key, secret)], keys, secrets)
        | st.builds(lambda key: json.dumps({key: SECRET}), keys)
        | st.builds(lambda key: f"https://host/?{key}={SECRET}&b=1", keys)
    ),
    max_leaves=8,
)


@given(values)
def test_no_secret_survives_in_the_repr_of_anything(value: Any) -> None:
    for text in (repr(value), saferepr(value), saferepr(value, 100, maxlevels=20)):
        assert SECRET not in (REDACTOR.shown(text) or "")


@given(st.text() | st.builds(lambda word, text: f"{word}{text}", words, st.text()))
def test_any_text_is_answered_and_is_short(text: str) -> None:
    assert len(REDACTOR.shown(text) or "") <= LONGEST
    assert len(REDACTOR.text(text)) <= LONGEST


@given(keys, st.sampled_from(["=", ": ", "': '", '": "', " = ", "=>"]), st.text(alphabet="ab \t/-'\""))
def test_no_secret_survives_behind_its_name_in_free_text(key: str, sign: str, after: str) -> None:
    text = REDACTOR.text(f"first line\nit failed: {key}{sign}{SECRET}{after}\nlast line")
    assert SECRET not in text
    assert text.startswith("first line\n")
    assert text.endswith("\nlast line")


@given(st.sampled_from(["", "guest", "bob", "celery-worker"]), st.sampled_from(["redis", "amqp", "postgresql+psycopg"]))
def test_no_password_survives_in_an_address(user: str, scheme: str) -> None:
    for login in (f"{user}:{SECRET}", f":{SECRET}", f"{user}:{SECRET}:x"):
        text = f"cannot reach {scheme}://{login}@host:6379/0"
        for shown in (REDACTOR.text(text), REDACTOR.shown(repr((text,))) or ""):
            assert SECRET not in shown
            assert "host:6379/0" in shown


@given(
    st.dictionaries(st.sampled_from(["user_id", "name", "class_name", "amount", "total"]), st.integers() | st.text())
)
def test_what_has_no_secrets_name_is_shown_as_it_is(value: dict[str, Any]) -> None:
    text = repr(value)
    if "://" not in text and len(text) <= LONGEST and not REDACTOR.secret(text):
        assert REDACTOR.shown(text) == text


def test_what_cannot_be_taken_apart_is_hidden_whole() -> None:
    assert REDACTOR.shown("{'password': <object at 0x7f>}") == HIDDEN
    assert REDACTOR.shown("(" * 5000 + "'password'") == HIDDEN
    assert REDACTOR.shown("-" * 9000 + "password") == HIDDEN
    assert REDACTOR.shown("['password', " * 90) == HIDDEN


def test_a_long_text_takes_no_long_time() -> None:
    for text in ("password" + "a" * 10**6, "token" + "://" * 10**5 + "@", "card" + ", " * 10**5, "ssn" + " \n" * 10**5):
        began = time.monotonic()
        REDACTOR.shown(text)
        REDACTOR.text(text)
        assert time.monotonic() - began < 5


def test_what_celery_cut_off_is_still_taken_apart() -> None:
    cut = saferepr({"token": SECRET, "html": "x" * 3000, "last": 1}, 100)
    shown = REDACTOR.shown(cut) or ""
    assert shown.startswith("{'token': '[redacted]', 'html': 'xxx")


def test_an_error_whose_name_is_like_a_secrets_keeps_its_message() -> None:
    text = "jwt.exceptions.InvalidTokenError: Signature has expired"
    assert REDACTOR.text(text) == text
