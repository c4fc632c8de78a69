"""The search box: what it understands, and where it says that it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celeriac.api.search import LONGEST, parse, with_state
from celeriac.errors import QueryError
from celeriac.model.attempt import AttemptState
from celeriac.store import TaskQuery


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", TaskQuery()),
        ("   ", TaskQuery()),
        ("state:failed", TaskQuery(state="failed")),
        ("STATE:FAILURE", TaskQuery(state="failed")),
        ("state:running name:shop.*", TaskQuery(state="started", name="shop.*")),
        ('queue:"my queue" worker:w3@host', TaskQuery(queue="my queue", worker="w3@host")),
        ('4711 "order id: 7"', TaskQuery(text="4711 order id: 7")),
        ("7c9d31f0-5f0f", TaskQuery(text="7c9d31f0-5f0f")),
        ("name:a:b", TaskQuery(name="a:b")),
    ],
)
def test_a_query_is_read(text: str, query: TaskQuery) -> None:
    assert parse(text) == query


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("state:nope", 6, "'nope' is no state"),
        ("queue:a colour:red", 8, "colour: is not known"),
        ("queue:a queue:b", 8, "queue: is given twice"),
        ('name:"shop', 5, "the quote is never closed"),
        ("name:", 5, "name: needs a value"),
        ('""', 2, "empty text"),
        ("x" * (LONGEST + 1), LONGEST, "longer than 400"),
    ],
)
def test_a_fault_says_what_and_where(text: str, position: int, says: str) -> None:
    with pytest.raises(QueryError, match=says) as caught:
        parse(text)
    assert caught.value.position == position


@given(st.text(max_size=LONGEST + 5))
def test_any_text_gives_a_query_or_a_positioned_fault(text: str) -> None:
    try:
        query = parse(text)
    except QueryError as fault:
        assert 0 <= fault.position <= len(text)
        assert "\n" not in fault.hint
    else:
        assert query.state is None or query.state in set(AttemptState)


def test_another_state_takes_the_place_of_the_one_asked_for() -> None:
    assert with_state('a state:failed queue:"my queue"', "lost") == 'state:lost a queue:"my queue"'
    assert with_state("state:failed a", None) == "a"
    assert with_state('name:"broken', "lost") == 'name:"broken'


@given(st.lists(st.sampled_from(["a", "name:b.*", '"c d"', 'queue:"e f"', 'worker:"g:h"']), unique=True))
def test_changing_the_state_changes_nothing_else(words: list[str]) -> None:
    text = " ".join(words)
    assert parse(with_state(f"state:failed {text}", None)) == parse(text)
