"""An agent finds the black boxes of recorders that were killed, of every user."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from celeriac.agent.boxes import BoxSource
from celeriac.evidence import Source
from celeriac.testing.source_contract import SourceContract

RECORDING = """
import sys
from pathlib import Path
from celeriac.worker.blackbox import BlackBox
from celeriac.worker.recorder import Recorder

recorder = Recorder("worker", "w1@lab", lambda: None, items=10, bytes_=10_000)
box = BlackBox.open(recorder, "ours", Path(sys.argv[1]))
box.touch(1000.0, None)
print(recorder.sender.boot, flush=True)
input()
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / f"celeriac-{os.geteuid()}"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def recording(home: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", RECORDING, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_the_box_of_a_killed_recorder_is_told_once_and_of_a_living_one_never(
    recording: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert recording.stdout is not None
    boot = recording.stdout.readline().strip()
    source = BoxSource("host", "ours", tmp_path)
    assert source.look(time.time()).evidence == ()
    recording.kill()
    recording.wait(timeout=20)
    assert BoxSource("host", "theirs", tmp_path).look(2000.0).evidence == (), "another system's agent"
    (gone,) = source.look(2000.0).evidence
    assert (gone.what, gone.source, gone.pid) == ("process-gone", "worker", recording.pid)
    assert (gone.text("boot"), gone.data["between"]) == (boot, (1000.0, 2000.0))
    assert source.look(2001.0).evidence == ()


def test_a_directory_that_is_not_its_users_own_is_left_alone(home: Path, tmp_path: Path) -> None:
    (tmp_path / f"celeriac-{os.geteuid() + 1}").symlink_to(home)
    (tmp_path / "celeriac-somebody").mkdir()
    assert BoxSource("host", "ours", tmp_path).look(1.0).evidence == ()


class TestBoxSource(SourceContract):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        return BoxSource("host", "ours", tmp_path)
