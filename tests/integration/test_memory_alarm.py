"""The kernel's word that a memory group runs out, version 1 here and version 2 in User-Mode Linux."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from pathlib import Path

import pytest

import celeriac
from celeriac.host.cgroups import MemoryGroup, read_group, read_mounts
from celeriac.host.notify import MemoryAlarm
from lab.cgroup import MemoryLimit
from lab.uml import run_in_uml

SOURCE = Path(celeriac.__file__).resolve().parent.parent
HOG = "input()\nhoard = [bytearray(b'x' * (1 << 20)) for _ in range(200)]"


@pytest.mark.cgroup
def test_an_alarm_goes_off_before_the_victim_is_gone() -> None:
    with MemoryLimit(64) as limit, subprocess.Popen([sys.executable, "-c", HOG], stdin=subprocess.PIPE) as hog:
        limit.take(hog.pid)
        group = read_group(hog.pid, read_mounts())
        assert group is not None
        alarm = MemoryAlarm.of(group)
        assert alarm is not None
        poll = select.poll()
        poll.register(alarm.file, alarm.mask)
        assert poll.poll(0) == []
        hog.communicate(b"\n", timeout=30)
        assert poll.poll(10_000) == [(alarm.file, alarm.mask)]
        alarm.close()


def test_a_group_that_gives_no_alarm_has_none(tmp_path: Path) -> None:
    for version in (1, 2):
        assert MemoryAlarm.of(MemoryGroup("/gone", tmp_path / "gone", version, tmp_path)) is None


@pytest.mark.uml
def test_a_version_2_group_tells_of_its_events(tmp_path: Path) -> None:
    (tmp_path / "inside.py").write_text(_INSIDE)
    said = run_in_uml(tmp_path, [sys.executable, "-B", f"{tmp_path}/inside.py", str(SOURCE)])
    assert json.loads(said.splitlines()[-1]) == {"before": 0, "after": 1, "kills": 1}


_INSIDE = """
import json, os, select, subprocess, sys
sys.path.insert(0, sys.argv[1])
from celeriac.host.cgroups import read_group, read_memory, read_mounts
from celeriac.host.notify import MemoryAlarm

os.mkdir("/sys/fs/cgroup/hog")
with open("/sys/fs/cgroup/hog/memory.max", "w") as file:
    file.write("64M")
code = "input(); hoard = [bytearray(b'x' * (1 << 20)) for _ in range(200)]"
hog = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
with open("/sys/fs/cgroup/hog/cgroup.procs", "w") as file:
    file.write(str(hog.pid))
group = read_group(hog.pid, read_mounts())
alarm = MemoryAlarm.of(group)
poll = select.poll()
poll.register(alarm.file, alarm.mask)
before = len(poll.poll(0))
hog.communicate(b"\\n", timeout=30)
after = len(poll.poll(10_000))
print(json.dumps({"before": before, "after": after, "kills": read_memory(group).kills}))
"""
