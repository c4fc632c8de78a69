"""Docs stay in step with code."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from celeriac.cli.group import celeriac

ROOT = Path(__file__).resolve().parents[2]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
FENCE = re.compile(r"```(?:sh|console)\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def reference() -> dict[Path, str]:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pages: dict[Path, str] = module.pages()
    return pages


def test_generated_pages_are_in_step_with_the_code() -> None:
    stale = [path.name for path, text in reference().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run: make reference"


def examples() -> list[tuple[str, str]]:
    found = []
    for page in DOCS:
        for block in FENCE.findall(page.read_text(encoding="utf-8")):
            for line in block.splitlines():
                command = line.removeprefix("$ ").partition("  #")[0].strip()
                if command.startswith("celeriac "):
                    found.append((str(page.relative_to(ROOT)), command))
    return found


@pytest.mark.parametrize(("page", "example"), examples())
def test_every_command_in_the_docs_is_one_celeriac_takes(page: str, example: str) -> None:
    words = shlex.split(re.split(r"\s[>|&]", example)[0])[1:]
    context = click.Context(celeriac, info_name="celeriac")
    command: click.Command = celeriac
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        inner = command.get_command(context, words[0])
        assert inner is not None, f"{page}: no command {words[0]}"
        command, words = inner, words[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [
        word for word in words if word.startswith("-") and word.partition("=")[0] not in {*known, "--help", "--version"}
    ]
    assert unknown == [], page


@pytest.mark.parametrize("page", DOCS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert broken == []


def programs() -> list[tuple[str, str]]:
    """Python in the docs that makes its own app."""
    found = [(page, code) for page in DOCS for code in PYTHON.findall(page.read_text(encoding="utf-8"))]
    return [(str(page.relative_to(ROOT)), code) for page, code in found if "app = Celery(" in code]


@pytest.mark.parametrize(("page", "code"), programs())
def test_every_python_example_runs_without_a_broker(page: str, code: str) -> None:
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, ""), page
