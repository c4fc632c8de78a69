"""A full disk under the store: one clear, retryable error; nothing committed is lost; with space again it goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from lab.need import need, need_root

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
FILL = (sys.executable, "-W", "error", "-m", "lab.store_filler")


def _run(*command: str) -> tuple[dict[str, object], str]:
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def _check(told: dict[str, object]) -> None:
    full_after = told["full_after"]
    assert isinstance(full_after, int)
    assert full_after > 0
    assert told["kind"] == "StoreUnavailableError"
    assert "cannot be written" in str(told["error"])
    assert str(told["error"]).endswith("Free space on its disk")
    assert "\n" not in str(told["error"])
    assert told["whole"] == full_after + 3


def test_a_full_file_system_loses_nothing_and_is_written_again_with_space(tmp_path: Path) -> None:
    need_root("mounting a small file system")
    mount = f"mount -t tmpfs -o size=2m tmpfs {tmp_path} && exec {' '.join(FILL)} {tmp_path}"

    told, errors = _run(need("unshare"), "--mount", "sh", "-c", mount)

    _check(told)
    assert errors == ""


def test_a_file_that_may_not_grow_loses_nothing_and_is_written_again_when_it_may(tmp_path: Path) -> None:
    told, errors = _run(*FILL, str(tmp_path), str(1_500_000))

    _check(told)
    assert errors == ""
