"""What a test cannot do without."""

from __future__ import annotations

import os
import shutil

import pytest

PACKAGES = {
    "redis-server": "redis-server",
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
    if path is not None:
        return path
    missing = f"{tool} is missing: apt-get install {PACKAGES.get(tool, tool)}"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
