"""Write the reference pages that are generated from code: `make reference`. A house test holds them in step."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
from pydantic import BaseModel

import celeriac as package
from celeriac.cli.group import COMMANDS, celeriac
from celeriac.detectors import BUILTIN
from celeriac.settings import Settings
from celeriac.worker.options import Options

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
INCIDENTS = REFERENCE.parent / "incidents"
WIDTH = 100


def pages() -> dict[Path, str]:
    """Each generated page and its text."""
    return {
        REFERENCE / "cli.md": _commands(),
        REFERENCE / "settings.md": _settings(),
        REFERENCE / "install.md": _install(),
        INCIDENTS / "README.md": _incidents(),
    }


def _commands() -> str:
    with click.Context(celeriac, info_name="celeriac", terminal_width=WIDTH) as root:
        parts = ["# Command line\n", _help(celeriac, root)]
        for name in COMMANDS:
            command = celeriac.get_command(root, name)
            assert command is not None
            parts += list(_sections(command, root, name, 2))
    return "\n".join(parts)


def _sections(command: click.Command, parent: click.Context, name: str, level: int) -> Iterator[str]:
    with click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH) as here:
        yield f"{'#' * level} {here.command_path}\n"
        yield _help(command, here)
        if isinstance(command, click.Group):
            for inner in command.list_commands(here):
                found = command.get_command(here, inner)
                assert found is not None
                yield from _sections(found, here, inner, level + 1)


def _help(command: click.Command, context: click.Context) -> str:
    return f"```text\n{command.get_help(context)}\n```\n"


def _settings() -> str:
    rows = [
        f"| `{name}` | `CELERIAC_{name.upper().replace('.', '__')}` | `{value}` |"
        for name, value in _flat(Settings(), "")
    ]
    return "\n".join(
        [
            "# Settings\n",
            "Flags, then the environment, then `celeriac.toml`, then these defaults. `celeriac config show` tells the",
            "value of each here and now, and where it came from.\n",
            "| setting | environment | default |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _install() -> str:
    """The options of `celeriac.install`: defaults from the code, words from its docstring."""
    words = _words_of_options()
    rows = [
        f"| `{name}` | `celeriac_{name}` | `CELERIAC_{name.upper()}` | `{json.dumps(one.default)}` | {words[name]} |"
        for name, one in ((one.name, one) for one in fields(Options))
    ]
    return "\n".join(
        [
            "# celeriac.install\n",
            "```python",
            "import celeriac\n",
            "celeriac.install(app)",
            "```\n",
            "A keyword counts first, then `app.conf` (in Django's settings: `CELERY_CELERIAC_…`), then the",
            "environment, then the default. `CELERIAC_ENABLED=0` beats everything. A wrong keyword raises",
            "`ConfigError` at `install`; a wrong value elsewhere is logged once and the default used. Calling it",
            "twice is calling it once.\n",
            "| keyword | `app.conf` | environment | default | what it does |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _words_of_options() -> dict[str, str]:
    """What the docstring of `install` says of each option: `name   its words`, going on indented."""
    found = re.findall(r"^(\w+) {2,}(.+(?:\n {8,}.+)*)", inspect.getdoc(package.install) or "", re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def _incidents() -> str:
    """The catalogue: each kind with the first sentence of its page."""
    rows = [f"| [`{one.kind}`]({one.kind}.md) | {_first_sentence(INCIDENTS / f'{one.kind}.md')} |" for one in BUILTIN]
    head = "# Every incident kind\n\nOne kind, one name everywhere: `diagnose`, the API, the pages, the playbooks.\n"
    return "\n".join([head, "| kind | what happened |", "|---|---|", *rows, ""])


def _first_sentence(page: Path) -> str:
    return page.read_text(encoding="utf-8").split("\n\n")[1].replace("\n", " ")


def _flat(section: BaseModel, before: str) -> Iterator[tuple[str, str]]:
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _flat(value, f"{before}{name}.")
        else:
            shown = value.get_secret_value() if hasattr(value, "get_secret_value") else value
            yield before + name, json.dumps(shown, default=list)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
