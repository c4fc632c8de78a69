"""Real memory.events of control groups version 2, in a kernel that has them (User-Mode Linux)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import celeriac
from lab.uml import run_in_uml

pytestmark = pytest.mark.uml
SOURCE = Path(celeriac.__file__).resolve().parent.parent


@pytest.mark.parametrize("whole_group", [False, True])
def test_a_kill_in_a_version_2_group_is_counted_and_told_from_a_kill_of_the_whole_group(
    tmp_path: Path, whole_group: bool
) -> None:
    (tmp_path / "celery").write_text(_WORKER)
    (tmp_path / "inside.py").write_text(_INSIDE)
    place = str(tmp_path)
    said = run_in_uml(tmp_path, [sys.executable, "-B", f"{place}/inside.py", str(SOURCE), place, str(int(whole_group))])
    facts: dict[str, Any] = json.loads(said.splitlines()[-1])
    assert facts["cgroup"]["version"] == 2
    assert facts["cgroup"]["limit"] == 64 << 20
    assert facts["cgroup"]["group_kill"] is whole_group
    assert facts["oom-count"]["path"] == "/worker"
    assert facts["oom-kill"]["cgroup"] == "/worker"
    if whole_group:
        assert facts["oom-count"]["added"] >= 2, "the child that ate, and its main with it"
        assert facts["oom-count"]["group_added"] == 1
        assert "process-gone" in facts
    else:
        assert facts["oom-count"]["added"] == 1
        assert facts["oom-count"]["group_added"] == 0
        assert "process-gone" not in facts
        assert facts["child-gone"]["parent"] == facts["main"]


_WORKER = """
import os, sys, time
child = os.fork()
if child == 0:
    while not os.path.exists("/run/eat"):
        time.sleep(0.05)
    hoard = [bytearray(b"x" * (1 << 20)) for _ in range(500)]
while True:
    time.sleep(0.1)
    if child:
        os.waitpid(child, os.WNOHANG) if os.path.exists(f"/proc/{child}") else None
"""
"""A process with a worker's command line and one child: the kernel and the group are real, Celery would take 15 s."""

_INSIDE = """
import json, os, subprocess, sys, time
source, place, whole_group = sys.argv[1:]
sys.path.insert(0, source)
from celeriac.evidence.cgroups import CgroupSource
from celeriac.evidence.kernel import KernelSource
from celeriac.evidence.processes import ProcessSource

group = "/sys/fs/cgroup/worker"
os.mkdir(group)
for name, value in (("memory.max", "64M"), ("memory.oom.group", whole_group)):
    with open(f"{group}/{name}", "w") as file:
        file.write(value)
main = subprocess.Popen([sys.executable, f"{place}/celery", "-A", "lab", "worker", "-n", "w@uml"])
with open(f"{group}/cgroup.procs", "w") as file:
    file.write(str(main.pid))
time.sleep(1)
for child in open(f"/proc/{main.pid}/task/{main.pid}/children").read().split():
    with open(f"{group}/cgroup.procs", "w") as file:
        file.write(child)
processes = ProcessSource("uml")
sources = (processes, CgroupSource("uml", processes.mains), KernelSource("uml"))
facts = {"main": main.pid}

def look():
    at = time.time()
    for one in sources:
        for fact in one.look(at).evidence:
            facts[fact.what] = dict(fact.data)

look()
open("/run/eat", "w").close()
deadline = time.monotonic() + 30
while not {"oom-count", "oom-kill"} <= set(facts) or not {"child-gone", "process-gone"} & set(facts):
    assert time.monotonic() < deadline, facts
    time.sleep(0.2)
    look()
print(json.dumps(facts))
"""
