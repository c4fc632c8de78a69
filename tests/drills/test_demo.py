"""`celeriac demo`, run as a user would: real broker, real worker, real kill, and nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil
import pytest

from lab.need import need, need_root
from lab.wait import wait_until

GROUPS = Path("/sys/fs/cgroup")
DEMO = (sys.executable, "-m", "celeriac", "demo")
UP_WITHIN = 60.0


@dataclass(frozen=True)
class Traces:
    """What a running demo has made; `temporary` is where its files go."""

    processes: tuple[psutil.Process, ...]
    groups: tuple[Path, ...]
    temporary: Path

    def left(self) -> list[str]:
        """What of it is still there."""
        alive = [str(process) for process in self.processes if process.is_running()]
        return alive + [str(path) for path in (*self.temporary.iterdir(), *self.groups) if path.exists()]


class Demo:
    """A running `celeriac demo`; its temporary files go beneath `directory`."""

    def __init__(self, directory: Path, *options: str, wrapper: Sequence[str] = ()) -> None:
        self._log = directory / "demo.out"
        self._temporary = directory / "tmp"
        self._temporary.mkdir()
        with self._log.open("wb") as out:
            self._popen = subprocess.Popen(
                [*wrapper, *DEMO, *options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TMPDIR": str(self._temporary)},
                cwd=directory,
            )

    @property
    def output(self) -> str:
        """What it has said."""
        return self._log.read_text(encoding="utf-8")

    def wait_for(self, text: str, within: float = UP_WITHIN) -> None:
        """Wait until it has said `text`."""
        wait_until(
            lambda: text in self.output or self._popen.poll() is not None, within, why=f"the demo saying {text!r}"
        )
        assert text in self.output, self.output

    def traces(self) -> Traces:
        """What it has made so far."""
        names = {directory.name for directory in self._temporary.iterdir()}
        groups = tuple(path for path in GROUPS.rglob("celeriac-demo-*") if path.name in names)
        return Traces(tuple(psutil.Process(self._popen.pid).children(recursive=True)), groups, self._temporary)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, to it alone."""
        self._popen.send_signal(number)

    def end(self, within: float) -> int:
        """Its exit code."""
        return self._popen.wait(within)

    def __enter__(self) -> Demo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._popen.kill()
        self._popen.wait(10.0)


@contextmanager
def a_busy_port() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def tells_the_whole_story(output: str, kind: str) -> None:
    """The diagnosis, the recovery and the summary stand in the output."""
    assert re.search(rf"OPEN +{kind} ", output), output
    detected = re.search(r"Celeriac, (\d+\.\d) s after the kill: ([a-z-]+)\.", output)
    assert detected is not None, output
    assert float(detected[1]) <= 6.0
    assert re.search(rf"incident +{kind} · .* · resolved", output), output
    assert re.search(r"lost +[1-9]", output), output
    assert "The queue is drained" in output


def test_a_worker_dies_and_the_demo_names_the_cause_and_sees_it_mended(tmp_path: Path) -> None:
    with Demo(tmp_path, "--for", "60") as demo:
        demo.wait_for("customers")
        traces = demo.traces()
        assert len(traces.processes) >= 7  # guardian, broker, server, web, worker and its two children
        by_kernel = "held by the kernel" in demo.output
        assert bool(traces.groups) is by_kernel
        assert demo.end(within=90.0) == 0, demo.output
        assert traces.left() == []
        tells_the_whole_story(demo.output, "worker-oom-killed" if by_kernel else "worker-lost")


@pytest.mark.cgroup
def test_where_no_control_group_may_be_made_the_demo_says_who_killed_and_names_no_kernel(tmp_path: Path) -> None:
    need_root("making control groups read-only")
    with Demo(tmp_path, "--for", "45", wrapper=(need("unshare"), "--mount", "sh", "-c", READ_ONLY, "sh")) as demo:
        demo.wait_for("customers")
        assert "watched by this demo" in demo.output
        assert demo.traces().groups == ()
        assert demo.end(within=80.0) == 0, demo.output
        tells_the_whole_story(demo.output, "worker-lost")
        assert "This demo's own watcher sent the SIGKILL" in demo.output
        assert "worker-oom-killed" not in demo.output


READ_ONLY = """
for point in $(awk '$3 ~ /^cgroup/ {print $2}' /proc/self/mounts); do mount -o remount,bind,ro "$point" || exit 9; done
exec "$@"
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    with Demo(tmp_path, "--for", "60") as demo:
        demo.wait_for("customers")
        traces = demo.traces()
        demo.signal(number)
        assert demo.end(within=25.0) == 130, demo.output
        assert traces.left() == []
        assert demo.output.rstrip().endswith("Stopped. Nothing is left behind.")


def test_a_demo_interrupted_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    with Demo(tmp_path) as demo:
        demo.wait_for("broker")
        traces = demo.traces()
        demo.signal(signal.SIGINT)
        assert demo.end(within=25.0) == 130, demo.output
        assert traces.left() == []


def test_a_demo_killed_with_sigkill_takes_everything_with_it(tmp_path: Path) -> None:
    with Demo(tmp_path, "--for", "60") as demo:
        demo.wait_for("customers")
        traces = demo.traces()
        demo.signal(signal.SIGKILL)
        demo.end(within=5.0)
        wait_until(lambda: not traces.left(), 5.0, why="everything of it being gone")


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with a_busy_port() as port, Demo(tmp_path, "--port", str(port)) as demo:
        assert demo.end(within=20.0) == 2
        assert demo.output == (
            f"celeriac: port {port} is in use. Give another with --port, or leave it out for a free one\n"
        )


def test_without_faults_nothing_goes_wrong(tmp_path: Path) -> None:
    with Demo(tmp_path, "--for", "10", "--no-faults") as demo:
        demo.wait_for("customers")
        traces = demo.traces()
        assert demo.end(within=40.0) == 0, demo.output
        assert "worker dead" not in demo.output
        assert traces.left() == []
