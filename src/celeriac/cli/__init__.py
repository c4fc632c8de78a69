"""The `celeriac` command: parse, call a root, print, exit code."""

from celeriac.cli.group import main

__all__ = ["main"]
