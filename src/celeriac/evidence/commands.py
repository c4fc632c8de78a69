"""Command lines: does this one run a Celery worker, and which node names may it go by."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_TITLE = re.compile(r"^\[celeryd: (?P<node>.+):(?P<process>[^:\]]+)\](?:.*\((?P<arguments>.*)\))?")
"""What setproctitle leaves (celery/platforms.py, set_mp_process_title; celery/apps/worker.py, set_process_status)."""
_BEFORE_COMMAND = frozenset({"-A", "--app", "-b", "--broker", "--result-backend", "--loader", "--config", "--workdir"})
"""Celery's own options that take a value and stand before the subcommand (celery/bin/celery.py)."""
_PYTHON_VALUED = frozenset({"-W", "-X", "--check-hash-based-pycs"})
_ABBREVIATION = re.compile(r"%(\w|%)")


@dataclass(frozen=True, slots=True)
class WorkerCommand:
    """A worker's command line. `name` is what -n was given, or the whole node name when `titled`; `main` is false
    for a pool process that says so in its title."""

    name: str | None
    pool: str
    titled: bool = False
    main: bool = True

    def nodes(self, hosts: Iterable[str]) -> tuple[str, ...]:
        """The node names it may go by on any of `hosts`."""
        if self.titled and self.name is not None:
            return (self.name,)
        return tuple(dict.fromkeys(_expand(self.name or "", host) for host in hosts))


def worker_command(command: Sequence[str]) -> WorkerCommand | None:
    """The worker that a process with this command line is; None when it is none.

    The process itself must be Celery: a shell, `timeout` or `docker` that carries a worker's command is not.
    """
    if len(command) == 1 and (match := _TITLE.match(command[0])):
        options = (match["arguments"] or "").split()
        return WorkerCommand(match["node"], _option(options, "-P", "--pool") or "prefork", True, _is_main(match))
    start = _after_celery(command)
    return None if start is None else _worker(command[start:])


def typed(command: Sequence[str]) -> str:
    """The command as a person would type it: without the directories of its programs, and without the interpreter in
    front of the `celery` script; a process title stays as it is."""
    first, *rest = command
    if first.startswith("["):
        return " ".join(command)
    if rest and PurePosixPath(rest[0]).name == "celery":
        first, *rest = rest
    return shlex.join((PurePosixPath(first).name, *rest))


def carried_worker(command: Sequence[str]) -> WorkerCommand | None:
    """The worker that a container's command comes to, also through an entrypoint script or `sh -c`."""
    words = " ".join(command).replace("'", " ").replace('"', " ").split()
    starts = (position + 1 for position, word in enumerate(words) if PurePosixPath(word).name == "celery")
    return next((worker for start in starts if (worker := _worker(words[start:])) is not None), None)


def _is_main(title: re.Match[str]) -> bool:
    return title["process"] == "MainProcess"


def _after_celery(command: Sequence[str]) -> int | None:
    """Where Celery's own arguments begin."""
    if not command:
        return None
    program = PurePosixPath(command[0]).name
    if program == "celery":
        return 1
    return _after_module(command) if program.startswith(("python", "pypy")) else None


def _after_module(command: Sequence[str]) -> int | None:
    """The same behind an interpreter: `python -m celery …`, or a script of that name."""
    position = 1
    while position < len(command):
        word = command[position]
        if word == "-m":
            return position + 2 if command[position + 1 : position + 2] == ("celery",) else None
        if not word.startswith("-"):
            return position + 1 if PurePosixPath(word).name == "celery" else None
        if word == "-c":
            return None
        position += 2 if word in _PYTHON_VALUED else 1
    return None


def _worker(arguments: Sequence[str]) -> WorkerCommand | None:
    position = 0
    while position < len(arguments) and arguments[position].startswith("-"):
        position += 2 if arguments[position] in _BEFORE_COMMAND else 1
    if arguments[position : position + 1] not in (("worker",), ["worker"]):
        return None
    options = arguments[position + 1 :]
    return WorkerCommand(_option(options, "-n", "--hostname"), _option(options, "-P", "--pool") or "prefork")


def _option(options: Sequence[str], short: str, long: str) -> str | None:
    """The value of an option: `-n x`, `-nx`, `--hostname x` or `--hostname=x`."""
    for position, word in enumerate(options):
        if word in (short, long):
            return next(iter(options[position + 1 : position + 2]), None)
        if word.startswith(f"{long}="):
            return word.partition("=")[2]
        if word.startswith(short) and not word.startswith("--"):
            return word[len(short) :]
    return None


def _expand(name: str, host: str) -> str:
    """`name` as Celery expands it on `host` (celery/bin/worker.py, Hostname; celery/utils/nodenames.py)."""
    short, _, domain = host.partition(".")
    values = {"h": host, "n": short, "d": domain, "i": "0", "I": "", "%": "%"}
    before, at, after = name.partition("@")
    whole = f"{before or 'celery'}@{after or host}" if at else f"celery@{name or host}"
    return _ABBREVIATION.sub(lambda match: values.get(match[1], match[0]), whole)
