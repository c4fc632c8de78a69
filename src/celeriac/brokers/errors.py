"""What redis-py raises, as Celeriac's own errors: the door of the Redis adapter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.exceptions import AskError, ClusterDownError, ClusterError, NoPermissionError

from celeriac.brokers.address import Address
from celeriac.brokers.unreachable import unreachable
from celeriac.errors import BrokerError, BrokerUnavailableError, CeleriacError

_AUTH_WORDS = ("NOAUTH", "WRONGPASS", "invalid username-password", "Authentication required", "without any password")
_FOREIGN_WORDS = ("Protocol Error", "Protocol error", "Invalid Response")


@contextmanager
def door(address: Address) -> Iterator[None]:
    """Raises BrokerUnavailableError with its cause, or BrokerError, for every driver error inside."""
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise translate(error, address) from error


def translate(error: Exception, address: Address) -> CeleriacError:
    """The Celeriac error that `error` means."""
    text = str(error)
    if isinstance(error, redis.InvalidResponse) or any(word in text for word in _FOREIGN_WORDS):
        return BrokerError(
            f"{address.place} answers, but does not speak Redis",
            hint="Check host, port and scheme of the broker's URL",
        )
    if isinstance(error, redis.AuthenticationError) or any(word in text for word in _AUTH_WORDS):
        return BrokerUnavailableError(
            f"{address.place} refuses the password",
            hint="Give the broker's user and password in its URL: redis://USER:PASSWORD@HOST:PORT/DB",
            cause="auth",
        )
    if "max number of clients" in text:
        return BrokerUnavailableError(
            f"{address.place} has no connection left: its maxclients is reached",
            hint="Raise maxclients, or find who holds them with CLIENT LIST",
            cause="too-many-clients",
        )
    return _unreachable(error, address) or _refused(error, address)


def _refused(error: Exception, address: Address) -> BrokerError:
    """It answers, and says no."""
    if isinstance(error, redis.ReadOnlyError):
        return BrokerError(f"{address.place} is a read-only replica", hint="Give the primary's address")
    if isinstance(error, (ClusterError, ClusterDownError, AskError)):
        return cluster_node(address)
    if isinstance(error, NoPermissionError):
        return BrokerError(
            f"{address.place} refuses: {_first_line(str(error))}", hint="Allow it to the user in the broker's URL"
        )
    return BrokerError(f"{address.place} answers: {_first_line(str(error))}")


def cluster_node(address: Address) -> BrokerError:
    """Celery's Redis transport cannot use a cluster (its commands meet MOVED)."""
    return BrokerError(
        f"{address.place} is a node of a Redis Cluster, which Celery cannot use as a broker",
        hint="Use a server without cluster mode",
    )


def _unreachable(error: Exception, address: Address) -> BrokerUnavailableError | None:
    if isinstance(error, redis.BusyLoadingError):
        return BrokerUnavailableError(f"{address.place} is loading its data", hint="Wait until it has", cause="down")
    if isinstance(error, (redis.TimeoutError, TimeoutError)):
        return unreachable(TimeoutError(), address.place, plain="redis")
    if isinstance(error, (redis.ConnectionError, OSError)):
        return unreachable(_system_error(error), address.place, plain="redis")
    return None


def _system_error(error: BaseException | None) -> OSError | None:
    """The operating system's error under redis-py's; it keeps it as the cause or the context."""
    for _ in range(8):
        if error is None or isinstance(error, OSError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _first_line(text: str) -> str:
    return text.splitlines()[0][:200].rstrip(".") if text else "an error without a word"
