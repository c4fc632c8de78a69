"""Cursors, codecs and the roles of tasks: what needs no database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celeriac.errors import QueryError, WireError
from celeriac.model.finding import Finding, Impact, Subject
from celeriac.model.incident import Patience, begin
from celeriac.model.worker import Claim, Worker
from celeriac.store.codec import pack, unpack
from celeriac.store.incidents import roles
from celeriac.store.page import cursor, position
from celeriac.store.workers import lives


@given(st.floats(allow_nan=False, allow_infinity=False), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_cursor_is_read_back_exactly_and_fits_into_a_url(at: float, name: str) -> None:
    made = cursor(at, name)

    assert position(made, float, str) == (at, name)
    assert all(character.isalnum() or character in "-_" for character in made)


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(QueryError, match="not one of this list's"):
        position(cursor(3), float, str)


def test_what_is_packed_is_unpacked_and_what_is_not_is_refused() -> None:
    worker = Worker("celery@a", 7, 1.0, 2.0, 2.0, claims=(Claim("t", "lab.add", "active"),), children=(8,))

    assert unpack(Worker, pack(worker)) == worker
    with pytest.raises(WireError, match="not a Worker"):
        unpack(Worker, '{"node": 5}')


def test_roles_are_of_all_findings_and_leave_out_what_is_unknown() -> None:
    root = Finding(
        "worker-lost", "a", "critical", "likely", Subject("w"), "s", 1.0, impact=Impact(lost=None, held=("h",))
    )
    follows = Finding("task-lost", "b", "critical", "likely", Subject("w"), "s", 1.0, impact=Impact(lost=("l", "h")))

    assert roles(begin("i", (root, follows), 1.0, Patience())) == {("h", "held"), ("l", "lost"), ("h", "lost")}


@pytest.mark.parametrize(
    ("heartbeat", "frequency", "asked", "living"),
    [
        (94.0, 2.0, None, True),
        (93.9, 2.0, None, False),
        (71.0, 10.0, None, True),
        (0.0, 2.0, 50.0, True),
        (0.0, 2.0, 39.0, False),
        (60.0, 2.0, 62.0, False),
        (60.0, 2.0, 70.0, True),
    ],
)
def test_a_worker_lives_while_it_gives_signs(
    heartbeat: float, frequency: float, asked: float | None, living: bool
) -> None:
    worker = Worker("celery@a", 7, 0.0, heartbeat, heartbeat, frequency=frequency, asked_at=asked)

    assert lives(worker, 100.0) == living
