"""The link: what a child tells reaches its worker, a flood is counted, and nothing is left behind."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from celeriac.worker.link import ADDRESS, MOST_BYTES, MOST_WAITING, Link, Teller, Told, is_child
from lab.wait import wait_until


@pytest.fixture
def link() -> Iterator[Link]:
    opened = Link.open()
    assert opened is not None
    yield opened
    opened.close()


def name() -> str:
    return os.environ[ADDRESS].partition(":")[2]


@pytest.fixture
def teller() -> Iterator[Teller]:
    teller = Teller()
    yield teller
    teller.close()


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def drained(link: Link) -> list[Told]:
    told: list[Told] = []
    for _ in range(50):
        link.drain(told.append)
    return told


def test_a_forked_child_tells_and_the_kernel_says_who_it_is(link: Link) -> None:
    pid = os.fork()
    if not pid:
        Teller().tell("task-sent", 12.5, "a", {"name": "t", "child": 1})
        os._exit(0)
    os.waitpid(pid, 0)
    [told] = drained(link)
    assert told.item == ("task-sent", 12.5, "a", {"name": "t", "child": pid})
    assert told.missed == 0


def test_a_worker_that_does_not_listen_makes_no_child_wait_and_the_loss_is_counted(link: Link, teller: Teller) -> None:
    for number in range(20_000):
        teller.tell("task-sent", 1.0, str(number), {})
    at_once = drained(link)
    assert 100 < len(at_once) < 20_000
    teller.tell("task-sent", 1.0, "after", {})
    waited = drained(link)
    assert waited[-1].item.task_id == "after"
    teller.tell("task-sent", 1.0, "last", {})
    told = [*at_once, *waited, *drained(link)]
    assert told[-1].item.task_id == "last"
    assert len(told) + sum(one.missed for one in told) == 20_002
    assert len(waited) == MOST_WAITING + 1


def test_what_no_child_can_know_is_not_put_on_record(link: Link) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
        stranger.connect(f"\0{name()}")
        for junk in (b"\xff", b"[]", b"7", json.dumps([0, "worker-offline", 1.0, "a", {}]).encode(), b"[" * 5000):
            stranger.send(junk)
        stranger.send(json.dumps([0, "task-sent", 1.0, "good", {}]).encode())
        assert [told.item.task_id for told in drained(link)] == ["good"]


def test_a_message_that_is_too_long_is_counted(link: Link, teller: Teller) -> None:
    teller.tell("task-sent", 1.0, "long", {"args": "x" * MOST_BYTES})
    teller.tell("task-sent", 1.0, "short", {})
    assert [(told.item.task_id, told.missed) for told in drained(link)] == [("short", 1)]


def test_children_that_end_are_forgotten(link: Link) -> None:
    before = descriptors()
    for number in range(50):
        teller = Teller()
        teller.tell("task-sent", 1.0, str(number), {})
        teller.close()
    assert len(drained(link)) == 50
    wait_until(lambda: drained(link) == [] and descriptors() <= before)


def test_closing_leaves_nothing_behind_and_a_child_without_a_link_goes_on(teller: Teller) -> None:
    link = Link.open()
    assert link is not None
    opened = name()
    assert opened in Path("/proc/net/unix").read_text()
    teller.tell("task-sent", 1.0, "a", {})
    link.close()
    teller.close()
    assert opened not in Path("/proc/net/unix").read_text()
    assert ADDRESS not in os.environ
    teller.tell("task-sent", 1.0, "b", {})
    teller.tell("task-sent", 1.0, "c", {})


def test_only_the_process_that_holds_the_link_has_children(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_child()
    monkeypatch.setenv(ADDRESS, f"{os.getppid()}:{name()}")
    assert is_child()
    for junk in ("", "x:y", "7", ":", "-1:/tmp"):
        monkeypatch.setenv(ADDRESS, junk)
        assert not is_child()
