"""The search box: what it understands, and where it says that it does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celeriac.api.completion import completions
from celeriac.api.search import KEYS, parse, with_state
from celeriac.api.words import LONGEST, Value, Word, read, spell
from celeriac.errors import QueryError
from celeriac.model.ledger import Term
from celeriac.store.query import Bound, Condition, TaskQuery

AT = 1_000_000.0


def asked(*conditions: Condition | Bound, since: float | None = None, until: float | None = None) -> TaskQuery:
    return TaskQuery(conditions, since, until, AT)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", asked()),
        ("   ", asked()),
        ("state:failed", asked(Condition("term", ("failed",)))),
        ("STATE:FAILURE", asked(Condition("term", ("failed",)))),
        ("state:pending,started,held", asked(Condition("term", ("waiting", "running", "held")))),
        (
            "state:running name:shop.*",
            asked(Condition("term", ("running",)), Condition("name", ("shop.*",))),
        ),
        (
            'queue:"my queue",mail worker:w3@host',
            asked(Condition("queue", ("my queue", "mail")), Condition("worker", ("w3@host",))),
        ),
        ('4711 "order id: 7"', asked(Condition("text", ("4711",)), Condition("text", ("order id: 7",)))),
        ("7c9d31f0-5f0f", asked(Condition("text", ("7c9d31f0-5f0f",)))),
        ("name:a:b", asked(Condition("name", ("a:b",)))),
        ("task:shop.pay", asked(Condition("name", ("shop.pay",)))),
        ("-name:a -b", asked(Condition("name", ("a",), True), Condition("text", ("b",), True))),
        ("error:kombu.exceptions.OperationalError", asked(Condition("error", ("OperationalError",)))),
        ("args.user.id:42 args:x", asked(Condition("args", ("42",), path=("user", "id")), Condition("args", ("x",)))),
        ("key:order-42", asked(Condition("key", ("order-42",)))),
        ("age:>10m", asked(Bound("age", ">", 600.0))),
        ("runtime:>=1.5s wait:<500ms", asked(Bound("runtime", ">=", 1.5), Bound("wait", "<", 0.5))),
        ("-age:>1h", asked(Bound("age", ">", 3600.0, True))),
        ("since:2h until:15m", asked(since=AT - 7200, until=AT - 900)),
        ("since:1970-01-02", asked(since=86_400.0)),
        ("until:1970-01-01T01:00:00+01:00", asked(until=0.0)),
        ("has:duplicate has:retry", asked(Condition("has", ("duplicate",)), Condition("has", ("retry",)))),
    ],
)
def test_a_query_is_read(text: str, query: TaskQuery) -> None:
    assert parse(text, AT) == query


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("state:nope", 6, "'nope' is no state"),
        ("state:failed,nope", 13, "'nope' is no state"),
        ("queue:a colour:red", 8, "colour: is not known"),
        ("queue:a queue:b", 8, "queue: is given twice"),
        ("name:a task:b", 7, "task: is given twice"),
        ('name:"shop', 5, "the quote is never closed"),
        ("name:", 5, "name: needs a value"),
        ("name:a,", 7, "name: needs a value"),
        ('""', 2, "empty text"),
        ("a -", 2, "- needs something"),
        ("age:10m", 4, "no bound of a duration"),
        ("age:>10x", 4, "no bound of a duration"),
        ("age:>1m,>2m", 8, "takes one value"),
        ("since:later", 6, "is no time"),
        ("-since:1h", 0, "says nothing"),
        ("has:luck", 4, "nothing a task can have"),
        ("args..a:1", 0, "no path to an argument"),
        ("args.a.b.c.d.e.f:1", 0, "no path to an argument"),
        ("a " * 40, 64, "more than 32 words"),
        ("name:" + ",".join("a" * 30), 44, "more than 20 values"),
        ("x" * (LONGEST + 1), LONGEST, "longer than 400"),
    ],
)
def test_a_fault_says_what_and_where(text: str, position: int, says: str) -> None:
    with pytest.raises(QueryError, match=says) as caught:
        parse(text, AT)
    assert caught.value.position == position


def test_a_misspelled_word_is_told_the_near_one() -> None:
    with pytest.raises(QueryError) as caught:
        parse("worke:a", AT)
    assert caught.value.hint.startswith("Did you mean worker:?")


QUERYISH = st.lists(
    st.sampled_from([*(f"{key}:" for key in KEYS), "-", '"', ",", " ", ">", "10m", "a", "args.x:", "*"])
)


@given(st.one_of(st.text(max_size=LONGEST + 5), QUERYISH.map("".join)))
def test_any_text_gives_a_query_or_a_positioned_fault(text: str) -> None:
    try:
        parse(text, AT)
    except QueryError as fault:
        assert 0 <= fault.position <= len(text)
        assert "\n" not in fault.hint


VALUES = st.text(min_size=1, max_size=12).filter(lambda text: '"' not in text)
WORDS = st.builds(
    Word,
    st.just(0),
    st.one_of(st.none(), st.sampled_from(["name", "queue", "args.user_id"])),
    st.lists(VALUES.map(lambda text: Value(text, 0)), min_size=1, max_size=3).map(tuple),
    st.booleans(),
)


def _said(word: Word) -> tuple[str | None, tuple[str, ...], bool]:
    values = word.values if word.key else word.values[:1]
    return word.key, tuple(one.text for one in values), word.negated


@given(st.lists(WORDS, max_size=5))
def test_what_is_spelled_is_read_back(words: list[Word]) -> None:
    plain = [Word(0, word.key, word.values if word.key else word.values[:1], word.negated) for word in words]
    assert [_said(one) for one in read(" ".join(spell(word) for word in plain))] == [_said(one) for one in plain]


def test_another_state_takes_the_place_of_the_one_asked_for() -> None:
    assert with_state('a state:failed queue:"my queue"', "lost") == 'state:lost a queue:"my queue"'
    assert with_state("state:failed a", None) == "a"
    assert with_state('name:"broken', "lost") == 'name:"broken'


@given(
    st.lists(st.sampled_from(["a", "name:b.*", '"c d"', 'queue:"e f",x', 'worker:"g:h"', "-has:retry"]), unique=True)
)
def test_changing_the_state_changes_nothing_else(words: list[str]) -> None:
    text = " ".join(words)
    assert parse(with_state(f"state:failed {text}", None), AT) == parse(text, AT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sta", ("state:",)),
        ("queue:mail -wor", ("queue:mail -worker:",)),
        ("state:lo", ("state:lost",)),
        ("state:held,lo", ("state:held,lost",)),
        ("name:shop.p", ("name:shop.pay",)),
        ("queue:m", ("queue:mail", 'queue:"my, queue"')),
        ('queue:"my', ('queue:"my, queue"',)),
        ("has:d", ("has:duplicate",)),
        ("colour:r", ()),
    ],
)
def test_the_last_word_is_completed(text: str, expected: tuple[str, ...]) -> None:
    known = {"name": ("shop.pay", "lab.add"), "queue": ("mail", "my, queue")}
    assert completions(text, known) == expected


@given(QUERYISH.map("".join))
def test_a_completion_goes_on_from_what_was_written(text: str) -> None:
    for one in completions(text, {"name": ("a", "b c")}):
        assert one.startswith(text[: text.rfind(" ") + 1])


def test_every_term_can_be_asked_for() -> None:
    for term in Term:
        assert parse(f"state:{term}", AT).conditions == (Condition("term", (term.value,)),)


PAGE = Path(__file__).parents[3] / "docs/how-to/find-a-task.md"


def test_every_search_in_the_documentation_is_understood() -> None:
    text = PAGE.read_text()
    shown = re.findall(r'celeriac tasks "([^"]+)"', text) + re.findall(r"\| `([^`]+)` \|$", text, re.MULTILINE)
    assert len(shown) > 12
    for one in shown:
        assert parse(one, AT) != asked()
    assert all(f"`{key}:`" in text for key in KEYS)
