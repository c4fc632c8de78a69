"""The file that outlives its process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from celeriac.model.parcel import Sender
from celeriac.worker.blackbox import SUFFIX, BlackBox
from celeriac.worker.buffer import Buffer
from celeriac.worker.salvage import Boxes, gone
from celeriac.worker.wrecks import DAY, KEPT, LOOKED_AT, Told, Wreck, sweep, wrecks

OWNER = """
import os, sys
from pathlib import Path
from types import SimpleNamespace
from celeriac.model.parcel import Item, Sender
from celeriac.worker.blackbox import BlackBox
from celeriac.worker.buffer import Buffer

buffer = Buffer(100, 10**6)
recorder = SimpleNamespace(sender=Sender("b00t", "worker", "w@lab", os.getpid(), "lab", 1.0), buffer=buffer)
for number in range(3):
    buffer.add(Item("task-sent", 1.0, "t", {}))
box = BlackBox.open(recorder, "ours", Path(sys.argv[1]))
for number in range(4):
    buffer.add(Item("task-sent", 1.0, "t", {}))
if sys.argv[2] == "hole":
    buffer.miss(1)
    buffer.add(Item("task-started", 2.0, "late", {"retries": 0, "child": 77}))
box.touch(1234.5, None)
if sys.argv[2] == "left":
    box.leave(1236.5)
if os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def owned(home: Path, story: str = "whole") -> Iterator[subprocess.Popen[bytes]]:
    """A process with a box in `home`, which dies there. Its story is whole, has a "hole" of one item, or ends when
    it "left" by itself."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", OWNER, str(home), story], stdin=pipe, stdout=pipe) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        yield owner
        owner.kill()
        owner.wait(timeout=30)


def found(home: Path, system: str = "ours") -> list[Wreck]:
    return list(wrecks(home, system, os.geteuid(), Random(1), {}, 0.0))


def test_a_dead_owners_box_is_found_with_what_it_knew(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with owned(home) as owner:
        assert found(home) == []
        owner.kill()
        owner.wait(timeout=30)
        (wreck,) = found(home)  # though its child still has the file open
    assert (wreck.label.boot, wreck.label.node, wreck.label.pid) == ("b00t", "w@lab", owner.pid)
    assert (wreck.last, wreck.touched, wreck.kills) == (7, 1234.5, None)


def test_each_finder_tells_of_a_box_once_and_takes_it_away_when_that_has_arrived(tmp_path: Path) -> None:
    with owned(tmp_path):
        pass
    told: Told = {}
    looks = [len(wrecks(tmp_path, "ours", os.geteuid(), Random(1), told, ticks)) for ticks in (5.0, 7.0, 5.0 + KEPT)]
    assert looks == [1, 0, 0]
    assert len(found(tmp_path)) == 1, "the first finder may have been killed before it could hand over"
    wrecks(tmp_path, "ours", os.geteuid(), Random(1), told, 5.1 + KEPT)
    assert (list(tmp_path.iterdir()), told) == ([], {})


def test_a_finder_that_is_cut_off_takes_no_box_away_and_tells_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with owned(tmp_path):
        pass
    monkeypatch.setattr("celeriac.worker.salvage.home", lambda: tmp_path)
    told = list[str]()
    recorder = SimpleNamespace(
        sender=Sender("other", "worker", "w@lab", 1, "lab", 1.0),
        cut_off=False,
        note_fact=lambda fact: told.append(fact.id),
        urge=lambda: None,
    )
    boxes = Boxes(cast("Any", recorder), "ours")

    boxes.look(1.0, 0.0, None)
    recorder.cut_off = True
    boxes.look(1.0, KEPT + 1, None)
    assert len(found(tmp_path)) == 1, "what was told of it may never arrive"
    recorder.cut_off = False
    boxes.look(1.0, KEPT + 10, None)
    boxes.look(1.0, KEPT + 20, None)
    assert len(told) == 2
    assert len(set(told)) == 1
    boxes.look(1.0, 2 * KEPT + 11, None)
    assert found(tmp_path) == []


def test_who_leaves_with_a_record_that_the_broker_did_not_take_leaves_the_box_too(tmp_path: Path) -> None:
    with owned(tmp_path, "left"):
        assert found(tmp_path) == [], "it may yet hand over"
    (wreck,) = found(tmp_path)
    assert (wreck.label.left, wreck.touched, wreck.last) == (True, 1236.5, 7)
    fact = gone("lab", wreck, 1240.0)
    assert fact.data["left"] is True and "by itself" in fact.fact


@pytest.mark.parametrize(("waits", "stay"), [(True, 1), (False, 0)])
def test_a_box_is_closed_once_the_record_is_at_the_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, waits: bool, stay: int
) -> None:
    home = tmp_path / "home"
    monkeypatch.setattr("celeriac.worker.salvage.home", lambda: home)
    monkeypatch.setattr("celeriac.worker.blackbox.home", lambda: home)
    sender = Sender(f"own-{id(home)}", "worker", "w@lab", os.getpid(), "lab", 1.0)
    recorder = SimpleNamespace(sender=sender, buffer=Buffer(100, 10**6), waits=waits)
    boxes = Boxes(cast("Any", recorder), "ours")
    boxes.open(1.0)
    boxes.close(2.0)
    assert len(list(home.iterdir())) == stay


def test_where_many_boxes_stand_already_none_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir(0o700)
    monkeypatch.setattr("celeriac.worker.salvage.home", lambda: home)
    monkeypatch.setattr("celeriac.worker.blackbox.home", lambda: home)
    for number in range(LOOKED_AT):
        (home / f"ours.{number}{SUFFIX}").touch()
    sender = Sender(f"own-{id(home)}", "worker", "w@lab", os.getpid(), "lab", 1.0)
    recorder = SimpleNamespace(sender=sender, buffer=Buffer(100, 10**6), waits=True)
    boxes = Boxes(cast("Any", recorder), "ours")
    boxes.open(1.0)
    boxes.close(2.0)
    assert len(list(home.iterdir())) == LOOKED_AT


def test_another_systems_box_is_left_to_that_one_and_swept_after_a_day(tmp_path: Path) -> None:
    home = tmp_path / "home"
    junk, user = home / f"junk{SUFFIX}", os.geteuid()
    with owned(home):
        junk.touch()
        os.utime(junk, (1.0, 1.0))
        sweep(home, "theirs", user, 1e12)
        (box,) = home.iterdir()  # its owner lives
    died = box.stat().st_mtime
    assert found(home, "theirs") == []
    sweep(home, "theirs", user, died + DAY - 1)
    sweep(home, "ours", user, died + DAY + 1)
    assert box.exists(), "its own system tells of it, however late"
    sweep(home, "theirs", user, died + DAY + 1)
    assert list(home.iterdir()) == []


def test_the_dead_are_found_among_more_living_than_one_search_looks_at(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with owned(home):
        for number in range(2 * LOOKED_AT):
            (home / f"ours.{number}{SUFFIX}").touch()
    random = Random(7)
    assert any(wrecks(home, "ours", os.geteuid(), random, {}, 0.0) for _ in range(30))


def test_a_strangers_directory_and_what_is_no_file_are_left_alone(tmp_path: Path) -> None:
    home, link = tmp_path / "home", tmp_path / "link"
    with owned(home):
        os.mkfifo(home / f"ours.pipe{SUFFIX}")
        (home / f"ours.dir{SUFFIX}").mkdir()
        (home / f"ours.link{SUFFIX}").symlink_to("/etc/passwd")
        link.symlink_to(home)
    assert wrecks(home, "ours", os.geteuid() + 1, Random(1), {}, 0.0) == ()
    assert wrecks(link, "ours", os.geteuid(), Random(1), {}, 0.0) == ()
    assert len(found(home)) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_a_full_disk_costs_the_box_and_not_the_process(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k,mode=700", "tmpfs", str(home)], check=True)
    try:
        with (home / "fill").open("wb", buffering=0) as fill, pytest.raises(OSError, match="No space"):
            while fill.write(b"x" * 4096):
                pass
        with pytest.raises(OSError, match="No space"):
            opened(home)
        assert [path.name for path in home.iterdir()] == ["fill"]
    finally:
        subprocess.run(["umount", str(home)], check=True)


def test_a_process_does_not_find_its_own_box_and_closing_takes_it_away(tmp_path: Path) -> None:
    home = tmp_path / "home"
    box = opened(home)
    assert box is not None
    assert found(home) == []
    box.close()
    assert list(home.iterdir()) == []


def test_a_directory_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    assert opened(home) is None


def test_junk_is_no_wreck(tmp_path: Path) -> None:
    (tmp_path / f"ours.short{SUFFIX}").write_bytes(b"x")
    (tmp_path / f"ours.long{SUFFIX}").write_bytes(os.urandom(4096))
    assert found(tmp_path) == []
    assert found(tmp_path / "nowhere") == []


def test_of_a_life_with_a_hole_only_what_followed_it_is_told(tmp_path: Path) -> None:
    with owned(tmp_path, "hole"):
        pass
    wreck = found(tmp_path)[0]
    assert (wreck.last, wreck.first) == (9, 9)
    assert wreck.items == (["task-started", 2.0, "late", {"retries": 0, "child": 77}],)


def test_the_last_that_a_dead_owner_noted_is_told_in_order(tmp_path: Path) -> None:
    with owned(tmp_path):
        pass
    wreck = found(tmp_path)[0]
    assert (wreck.first, wreck.last) == (1, 7)
    assert [item[:3] for item in wreck.items] == [["task-sent", 1.0, "t"]] * 7


def opened(home: Path, buffer: Buffer | None = None) -> BlackBox | None:
    sender = Sender(f"own-{id(home)}", "worker", "w@lab", os.getpid(), "lab", 1.0)
    recorder = SimpleNamespace(sender=sender, buffer=buffer or Buffer(100, 10**6))
    return BlackBox.open(cast(Any, recorder), "ours", home)
