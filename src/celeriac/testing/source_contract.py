"""What every evidence source must do, as one test suite.

Subclass `SourceContract`, give a `source` fixture that opens one with something to see, and run pytest.
"""

from __future__ import annotations

import time
from pathlib import Path

from celeriac.errors import EvidenceError
from celeriac.evidence import Look, Source
from celeriac.model.evidence import EDGES, LEVELS, Evidence
from celeriac.model.wire import decode, encode

BOUND = 2.0
"""Seconds a look may take."""


class SourceContract:
    """The suite. Each test is named after the promise it holds the source to."""

    def test_is_a_source_with_a_name(self, source: Source) -> None:
        assert isinstance(source, Source)
        assert source.name
        assert source.name == source.name.strip().lower()

    def test_a_look_ends_within_its_bound(self, source: Source) -> None:
        for _ in range(3):
            began = time.monotonic()
            _look(source)
            assert time.monotonic() - began < BOUND

    def test_every_fact_is_of_a_kind_that_is_known_and_says_how_to_see_it(self, source: Source) -> None:
        for fact in _look(source).evidence:
            assert fact.what in LEVELS | EDGES
            assert fact.source
            assert fact.host
            assert _is_one_line(fact.fact), fact
            assert _is_one_line(fact.how), fact

    def test_levels_are_dated_by_the_given_time_not_by_a_clock_of_the_source(self, source: Source) -> None:
        at = time.time() - 1000.0
        assert all(fact.at == at for fact in source.look(at).evidence if fact.what in LEVELS)

    def test_an_id_is_one_fact_in_a_look_and_keeps_its_meaning_in_later_ones(self, source: Source) -> None:
        meanings: dict[str, tuple[str, int | None]] = {}
        for _ in range(3):
            found = _look(source).evidence
            assert len({fact.id for fact in found}) == len(found)
            for fact in found:
                assert meanings.setdefault(fact.id, (fact.what, fact.pid)) == (fact.what, fact.pid)

    def test_facts_survive_the_wire(self, source: Source) -> None:
        for fact in _look(source).evidence:
            again = decode(Evidence, encode(fact))
            assert encode(again) == encode(fact)

    def test_what_is_not_seen_has_a_reason_and_a_worth(self, source: Source) -> None:
        for spot in _look(source).blind_spots:
            assert _is_one_line(spot.what)
            assert _is_one_line(spot.why)
            assert _is_one_line(spot.would_add)

    def test_closing_releases_every_file_and_may_be_repeated(self, source: Source) -> None:
        _look(source)
        source.close()
        before = _open_files()
        source.look(time.time())
        source.close()
        source.close()
        assert _open_files() <= before


def _look(source: Source) -> Look:
    """A look now. One that fails as a whole may say so by EvidenceError, with a message of one line."""
    try:
        return source.look(time.time())
    except EvidenceError as error:
        assert _is_one_line(str(error))
        return Look()


def _is_one_line(text: str) -> bool:
    return bool(text.strip()) and "\n" not in text


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
