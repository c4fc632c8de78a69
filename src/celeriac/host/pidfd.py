"""Pidfds: a file that becomes readable when its process ends (pidfd_open(2), Linux 5.3)."""

from __future__ import annotations

import os


def open_pidfd(pid: int) -> int | None:
    """A file descriptor for the process; None when it is gone, or where the kernel has none to give."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):  # Python lacks the call where the C library's headers do
        return None
