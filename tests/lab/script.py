"""Small programs that use the sample app, run as processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

TESTS = Path(__file__).resolve().parent.parent
PREAMBLE = """
import json, os, sys, threading, time
from lab.app import app
import celeriac
def tell(**facts):
    print(json.dumps(facts), flush=True)
def publish(*args, **options):
    return app.tasks["lab.noop"].apply_async(args, **options).id
"""


class Script:
    """`with Script("tell(x=1)", broker=url) as script:`; `script.told` are the facts it printed, when it has ended.

    The program has `app`, `celeriac`, `publish(*args, **options)` and `tell(**facts)` at hand.
    """

    def __init__(self, program: str, *, broker: str, conf: Mapping[str, Any] | None = None, **env: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error::SyntaxWarning", "-c", PREAMBLE + dedent(program)],
            env={
                **os.environ,
                "PYTHONPATH": str(TESTS),
                "LAB_BROKER": broker,
                "LAB_CONF": json.dumps(dict(conf or {})),
                **env,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def say(self, line: str = "") -> None:
        """A line on its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """The next facts."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(self._process.communicate()[1])
        heard: dict[str, Any] = json.loads(line)
        return heard

    def end(self, timeout: float = 30.0) -> dict[str, Any]:
        """Wait for its end, which must be a good one; all the facts that were left, as one."""
        out, err = self._process.communicate(timeout=timeout)
        assert self._process.returncode == 0, err
        return {key: value for line in out.splitlines() for key, value in json.loads(line).items()}

    def __enter__(self) -> Script:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def run(program: str, *, broker: str, conf: Mapping[str, Any] | None = None, **env: str) -> dict[str, Any]:
    """Run to the end; what it told."""
    with Script(program, broker=broker, conf=conf, **env) as script:
        return script.end()
