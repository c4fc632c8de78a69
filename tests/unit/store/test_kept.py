"""What is read again of rows, and what is not."""

from __future__ import annotations

from celeriac.store.kept import Kept


def test_a_row_that_is_the_same_again_gives_the_same_value_and_another_is_read() -> None:
    kept: Kept[str, list[str]] = Kept(lambda row: [row])
    first = kept.read([("a", "1"), ("b", "1")])
    then = kept.read([("a", "1"), ("b", "2")])
    assert then == {"a": ["1"], "b": ["2"]}
    assert then["a"] is first["a"]


def test_only_the_newest_reading_is_kept() -> None:
    kept: Kept[str, list[str]] = Kept(lambda row: [row])
    first = kept.read([("a", "1")])
    kept.read([])
    assert kept.read([("a", "1")])["a"] is not first["a"]
