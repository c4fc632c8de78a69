"""The terminal, or the pipe that stands in for it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn


def console() -> Console:
    """A console on standard output. Colours on a terminal alone (NO_COLOR is obeyed); lines are never cropped."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an ASCII terminal shows "?" rather than a traceback
    return Console(soft_wrap=True, highlight=False, markup=False, emoji=False)


@contextmanager
def looking(out: Console, *, quiet: bool = False) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal while something is looked at; call what it gives with the share done (0 to 1)."""
    if quiet or not out.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}", style="dim"), BarColumn(bar_width=30))
    with Progress(*columns, console=out, transient=True) as progress:
        bar = progress.add_task("looking", total=1.0)
        yield lambda share: progress.update(bar, completed=share)
