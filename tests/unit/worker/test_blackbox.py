"""The file that outlives its process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from celeriac.model.parcel import Item, Sender
from celeriac.worker.blackbox import SUFFIX, BlackBox, wrecks
from celeriac.worker.buffer import Buffer

OWNER = """
import os, sys
from pathlib import Path
from types import SimpleNamespace
from celeriac.model.parcel import Item, Sender
from celeriac.worker.blackbox import BlackBox
from celeriac.worker.buffer import Buffer

buffer = Buffer(100, 10**6)
recorder = SimpleNamespace(sender=Sender("b00t", "worker", "w@lab", os.getpid(), "lab", 1.0), buffer=buffer)
box = BlackBox.open(recorder, Path(sys.argv[1]))
for number in range(7):
    buffer.add(Item("task-sent", 1.0, "t", {}))
box.touch(1234.5, None)
if os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_dead_owners_box_is_found_once_with_what_it_knew(tmp_path: Path) -> None:
    home = tmp_path / "home"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", OWNER, str(home)], stdin=pipe, stdout=pipe) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        assert list(wrecks(home)) == []
        owner.kill()
        owner.wait(timeout=30)
        (wreck,) = wrecks(home)  # though its child still has the file open
    assert (wreck.label.boot, wreck.label.node, wreck.label.pid) == ("b00t", "w@lab", owner.pid)
    assert (wreck.last, wreck.touched, wreck.kills) == (7, 1234.5, None)
    assert list(wrecks(home)) == []
    assert list(home.iterdir()) == []


def test_a_process_does_not_find_its_own_box_and_closing_takes_it_away(tmp_path: Path) -> None:
    home = tmp_path / "home"
    box = opened(home)
    assert box is not None
    assert list(wrecks(home)) == []
    box.close()
    assert list(home.iterdir()) == []


def test_a_directory_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    assert opened(home) is None


def test_junk_is_no_wreck(tmp_path: Path) -> None:
    (tmp_path / f"short{SUFFIX}").write_bytes(b"x")
    (tmp_path / f"long{SUFFIX}").write_bytes(os.urandom(4096))
    assert list(wrecks(tmp_path)) == []
    assert list(wrecks(tmp_path / "nowhere")) == []


def test_items_counted_before_the_box_was_opened_count(tmp_path: Path) -> None:
    buffer = Buffer(100, 10**6)
    buffer.add(Item("task-sent", 1.0, "t", {}))
    box = opened(tmp_path / "home", buffer)
    assert box is not None
    assert box.newest[0] == 1
    buffer.miss(4)
    buffer.add(Item("task-sent", 1.0, "t", {}))
    assert box.newest[0] == buffer.last == 6
    box.close()


def opened(home: Path, buffer: Buffer | None = None) -> BlackBox | None:
    sender = Sender(f"own-{id(home)}", "worker", "w@lab", os.getpid(), "lab", 1.0)
    recorder = SimpleNamespace(sender=sender, buffer=buffer or Buffer(100, 10**6))
    return BlackBox.open(cast(Any, recorder), home)
