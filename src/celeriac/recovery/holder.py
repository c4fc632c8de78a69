"""Who holds a lease: one life of one process."""

from __future__ import annotations

import os
from socket import gethostname
from uuid import uuid4


def holder() -> str:
    """A name that no other process has, nor this one in its next life."""
    return f"{gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
