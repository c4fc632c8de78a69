"""Who sees what of which host, with agents and without."""

from __future__ import annotations

from celeriac.detectors.traces import is_current, trace
from celeriac.model.source import SourceMark
from lab.views import HOST, NOW, process, sources, view, worker


def agent(seconds_ago: float, host: str = HOST) -> SourceMark:
    return SourceMark(f"process@{host}", NOW - seconds_ago)


def test_a_source_is_seen_when_anybody_reads_it_or_with_a_host_when_that_ones_reader_does() -> None:
    here = view(sources=sources("broker", "process"))
    assert here.sees("process") and here.sees("process", "anywhere")
    assert not here.sees("kernel")

    only_agents = view(sources=(*sources("broker"), agent(1, "hostb"), agent(60, "hostc")))
    assert only_agents.sees("process") and only_agents.sees("process", "hostb")
    assert not only_agents.sees("process", "hostc")
    assert not only_agents.sees("process", "hostd")

    both = view(sources=(*sources("process"), agent(60, "hostc")))
    assert not both.sees("process", "hostc"), "its agent is silent, and our own process table is another host's"


def test_a_level_of_another_host_is_current_by_its_agents_reads() -> None:
    fact = process(at=NOW - 4)
    assert is_current(view(sources=(*sources(), agent(3))), fact)
    silent = view(sources=(*sources(), agent(30)), evidence=(process(at=NOW - 30),))
    assert trace(silent, worker()).process is None


def test_a_process_behind_a_silent_agent_is_unknown_not_gone() -> None:
    silent = view(sources=(*sources(), agent(30)), evidence=(process(at=NOW - 30),), workers=(worker(heard=NOW - 40),))
    found = trace(silent, silent.workers[0])
    assert (found.process, found.gone) == (None, None)


def test_a_process_that_the_agent_no_longer_sees_is_gone() -> None:
    read = view(sources=(*sources(), agent(0)), evidence=(process(at=NOW - 8),), workers=(worker(heard=NOW - 10),))
    assert trace(read, read.workers[0]).gone is not None


def test_where_we_read_ourselves_a_stopped_agent_changes_nothing() -> None:
    stopped = SourceMark(f"process@{HOST}", NOW - 600, "its agent was stopped")
    beside = view(sources=(*sources(), stopped), evidence=(process(at=NOW),))
    assert trace(beside, worker()).process is not None
