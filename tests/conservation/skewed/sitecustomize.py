"""Gives a Python process a wall clock that is ahead by CONSERVATION_SKEW seconds, before anything else is imported.

libfaketime would skew the whole process, but with Python 3.11 it breaks `time.sleep` and waiting on a lock.
"""

from __future__ import annotations

import datetime
import os
import time
from typing import Self

_ahead = float(os.environ["CONSERVATION_SKEW"])
_true = time.time


class _Ahead(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> Self:
        return cls.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)


time.time = lambda: _true() + _ahead
setattr(datetime, "datetime", _Ahead)  # noqa: B010 - a type, which mypy lets nobody assign to
