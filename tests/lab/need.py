"""What a test cannot do without."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from typing import NoReturn

import pytest

PACKAGES = {
    "redis-server": "redis-server",
    "rabbitmq-server": "rabbitmq-server",
    "dockerd": "docker.io",
    "docker": "docker.io",
    "chromium": "chromium",
    "linux.uml": "user-mode-linux",
    "openssl": "openssl",
    "postgres": "postgresql",
}


def need(tool: str) -> str:
    """The path of `tool`. Without it the test fails in CI, and skips elsewhere with the package to install."""
    path = shutil.which(tool)
    if path is None:
        lack(f"{tool} is missing: apt-get install {PACKAGES.get(tool, tool)}")
    return path


def need_root(why: str) -> None:
    """Without root the test fails in CI, and skips elsewhere; `why` says what needs it."""
    if os.geteuid() != 0:
        lack(f"{why} needs root")


def need_module(name: str) -> None:
    """Without the module the test fails in CI, and skips elsewhere. It is looked for, not imported: a green pool's
    library changes the process it is in."""
    if find_spec(name) is None:
        lack(f"{name} is missing: pip install {name}")


def lack(missing: str) -> NoReturn:
    """What is missing fails the test in CI, and skips it elsewhere: a skip must never count as green there."""
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
