"""The house stands: import contracts, bans, sizes, names."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "celeriac"
LONG_FILES: dict[str, str] = {}
"""Files over 500 lines, each with its reason."""
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "manager", "misc"}


def files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def test_every_import_contract_is_kept() -> None:
    run = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_no_file_is_over_500_lines_without_a_listed_reason() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (*files(), *sorted((ROOT / "tests").rglob("*.py")))
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert long.keys() == LONG_FILES.keys()


def test_rooms_and_files_are_named_by_the_noun_they_own() -> None:
    named = {part.removesuffix(".py") for path in files() for part in path.relative_to(SOURCE).parts}
    assert not named & BANNED_NAMES


def test_nothing_swallows_every_error() -> None:
    swallowing = re.compile(r"except(\s+Exception)?\s*:\s*\n\s*(pass|\.\.\.)\s*$", re.MULTILINE)
    assert [str(path) for path in files() if swallowing.search(path.read_text(encoding="utf-8"))] == []


def test_only_the_clock_reads_the_clock() -> None:
    allowed = {"clock.py"}
    reads = re.compile(r"\btime\.time\(|\bdatetime\.(now|utcnow)\(")
    guilty = [
        str(path.relative_to(SOURCE))
        for path in files()
        if reads.search(path.read_text(encoding="utf-8"))
        and path.name not in allowed
        and not {"systems", "testing"} & set(path.parts)  # programs of their own; contract suites on real servers
    ]
    assert guilty == []


def test_the_celery_plugin_imports_click_alone() -> None:
    """It is imported on every `celery` call (DASHBOARD.md 3)."""
    code = (
        "import sys, click; before = set(sys.modules); import celeriac.cli.plugin; print(*(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    brought = {name.partition(".")[0] for name in run.stdout.split()} - set(sys.stdlib_module_names)
    assert brought == {"celeriac"}


def test_the_core_depends_on_celery_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [name.partition(">")[0] for name in project["dependencies"]] == ["celery[redis]"]
    assert set(project["optional-dependencies"]) == {
        "server", "demo", "postgres", "docker", "kubernetes", "django", "sqlalchemy", "policies", "otel", "statsd",
        "notify", "all",
    }  # fmt: skip
