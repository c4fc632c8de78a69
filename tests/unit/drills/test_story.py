"""How a demo is summed up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from celeriac.drills.story import Story, closing


def incident(lost: list[str] | None, held: list[str], state: str = "resolved") -> dict[str, Any]:
    """As much of an incident as the summary needs."""
    impact = {
        "lost": lost,
        "lost_count": None if lost is None else len(lost),
        "held": held,
        "held_count": len(held),
    }
    return {"kind": "worker-oom-killed", "cause": "container", "state": state, "impact": impact}


WHOLE = Story(
    began=100.0,
    died_at=123.0,
    detected_at=124.5,
    restarted_at=155.0,
    drained_at=162.0,
    resolved_at=166.0,
    most_waiting=170,
    incident=incident(["a"], []),
    outage=incident(["a"], ["b", "c", "d", "e"], "open"),
)


def test_a_whole_story_is_told_with_its_times_and_ids() -> None:
    assert dict(closing(WHOLE)) == {
        "incident": "worker-oom-killed · container · resolved",
        "detected": "1.5 s after the kill",
        "lost": "1: a",
        "held": "4: b, c, d, …",
        "queue": "170 waiting at worst; drained 7.0 s after the restart",
        "resolved": "11.0 s after the restart",
    }
    assert WHOLE.complete


def test_what_did_not_come_is_not_seen_and_never_a_number() -> None:
    story = Story(began=100.0, died_at=123.0)
    told = dict(closing(story))
    assert told["incident"] == "none · unknown · never opened"
    assert told["detected"] == "not seen"
    assert told["lost"] == told["held"] == "unknown"
    assert not story.complete


def test_a_list_that_is_not_known_is_unknown_and_an_empty_one_none() -> None:
    told = dict(closing(replace(WHOLE, incident=incident(None, []), outage=incident([], []))))
    assert (told["lost"], told["held"]) == ("unknown", "none")


def test_a_story_without_its_resolution_is_not_complete() -> None:
    assert not replace(WHOLE, resolved_at=None).complete
