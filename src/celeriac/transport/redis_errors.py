"""What redis-py raises, as the transport's own errors."""

from __future__ import annotations

import redis
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoPermissionError,
)

from celeriac.errors import TransportUnavailableError

_CLUSTER = ("is a node of a Redis Cluster, which Celery cannot use", "Use a server without cluster mode")
_OLD = ("is too old for the record", "Use Redis 6.2 or newer, or Valkey")
_MEANINGS: tuple[tuple[type[Exception] | str, str, str], ...] = (
    ("when used memory", "is full: it refuses writes", "Raise its maxmemory, or drain what fills it"),
    (redis.ReadOnlyError, "is a read-only replica", "Give the primary's address in broker_url"),
    (redis.BusyLoadingError, "is loading its data", "Wait until it has"),
    (redis.AuthenticationError, "refuses the password", "Mend the user and password in broker_url"),
    (MasterDownError, "has lost its primary", "Wait for the failover"),
    (MovedError, *_CLUSTER),
    (AskError, *_CLUSTER),
    (ClusterDownError, *_CLUSTER),
    ("max number of clients", "has no connection left", "Raise maxclients, or see CLIENT LIST for who holds them"),
    ("MISCONF", "refuses writes because it cannot save to disk", "Free its disk, or see its log"),
    ("NOREPLICAS", "refuses writes because it has too few replicas", "Bring its replicas back"),
    ("BUSY ", "is busy with a script", "Wait, or end it with SCRIPT KILL"),
    ("WRONGTYPE", "keeps something else under our key", "Rename or delete its key celeriac:record"),
    ("unknown command", *_OLD),
    ("nknown Redis command", *_OLD),
    ("syntax error", *_OLD),
    (redis.TimeoutError, "does not answer in time", "Check whether it hangs, and the network to it"),
)
"""What it is or says, what that means, what to do; the first that fits counts."""


class GroupThereError(TransportUnavailableError):
    """The group of readers exists already."""


class GroupGoneError(TransportUnavailableError):
    """The stream or its group of readers is not there: it expired, or somebody deleted it."""


def translate(error: Exception, place: str) -> TransportUnavailableError:
    """What `error` means. All of it may be mended while we run, so all of it may be tried again."""
    text = (str(error).splitlines() or [""])[0][:200].rstrip(".") or type(error).__name__
    if text.startswith(("NOGROUP", "UNBLOCKED")):
        return GroupGoneError(f"{place} has no stream {text}")
    if text.startswith("BUSYGROUP"):
        return GroupThereError(f"{place} has the group of readers already")
    if isinstance(error, NoPermissionError):
        hint = "Allow streams, EVAL and INFO to the broker's user by ACL"
        return TransportUnavailableError(f"{place} forbids us a command: {text}", hint=hint)
    for sign, means, hint in _MEANINGS:
        if sign in text if isinstance(sign, str) else isinstance(error, sign):
            return TransportUnavailableError(f"{place} {means}", hint=hint)
    if isinstance(error, redis.ResponseError):
        return TransportUnavailableError(f"{place} refuses: {text}", hint="See its log")
    return TransportUnavailableError(f"{place} cannot be reached: {text}", hint="Check that the broker runs")
