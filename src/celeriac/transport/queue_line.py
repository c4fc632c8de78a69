"""Our own connection to any broker that kombu speaks to, and the record's queue there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

from kombu import Connection, Exchange, Queue
from kombu.exceptions import KombuError

from celeriac.errors import TransportUnavailableError
from celeriac.transport.cap import Limits
from celeriac.transport.place import place

NAME = "celeriac.record"
_PRECONDITION_FAILED = 406


class QueueLine:
    """For one thread; opened at the first use, and again after a failure.

    It speaks to kombu's transport itself: kombu's Connection would retry for minutes where it connects
    (kombu/connection.py, default_channel). No wait for an AMQP broker is longer than `Limits.patience`.

    `blocked`: the broker takes no messages because of an alarm. `stale`: a confirm is still under way that nobody waits
    for, so this connection may publish no more.
    """

    def __init__(self, connection: Connection, limits: Limits) -> None:
        self._limits = limits
        self._kombu = connection.clone(
            connect_timeout=limits.patience,
            heartbeat=0,
            transport_options={**(connection.transport_options or {}), **self._amqp_options(connection)},
        )
        self._line: Any = None
        self.channel: Any = None
        self.blocked = False
        self.stale = False
        self._declared = float("-inf")

    @property
    def place(self) -> str:
        """The broker as a person knows it."""
        return place(self._kombu)

    @property
    def amqp(self) -> bool:
        """True for RabbitMQ and its like, which know confirms, arguments and alarms."""
        return bool(self._kombu.get_transport_cls().driver_type == "amqp")

    def open(self) -> None:
        """Connect where there is no connection, and see that the queue is there.

        Declaring is also what keeps a queue with `x-expires` alive: publishing does not count as use.
        """
        if self._line is None:
            self._line = self._kombu.transport.establish_connection()
            if (wire := getattr(self._line, "sock", None)) is not None:
                wire.settimeout(self._limits.patience)
            self.channel = self._kombu.transport.create_channel(self._line)
            self._declared = float("-inf")
        if monotonic() - self._declared > self._limits.ttl / 4:
            self.queue().declare()
            self._declared = monotonic()

    def another_channel(self) -> Any:
        """A channel beside `channel`, for what may close it."""
        return self._kombu.transport.create_channel(self._line)

    @property
    def channel_errors(self) -> tuple[type[BaseException], ...]:
        """What the broker closes a channel with."""
        return tuple(self._kombu.get_transport_cls().channel_errors)

    def queue(self) -> Queue:
        """The record's queue on this channel."""
        return Queue(
            NAME, Exchange(""), routing_key=NAME, durable=True, queue_arguments=self._arguments(), channel=self.channel
        )

    def drain(self, timeout: float) -> bool:
        """Let the broker speak for up to `timeout` seconds; false when it had nothing to say."""
        try:
            self._kombu.transport.drain_events(self._line, timeout=timeout)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Say goodbye and drop the connection."""
        if self._line is not None:
            with suppress(*self._errors()):
                self._kombu.transport.close_connection(self._line)
        self._forget()

    @contextmanager
    def door(self) -> Iterator[None]:
        """Errors as ours. A connection that failed is dropped, and the next broker of a failover list is tried."""
        try:
            yield
        except self._errors() as error:
            failure = self._translate(error)
            self._hang_up()
            self._kombu.maybe_switch_next()
            raise failure from error

    def _hang_up(self) -> None:
        """Drop the connection without a word: the other end may not listen."""
        collect = getattr(self._line, "collect", None)
        with suppress(*self._errors()):
            if collect is not None:
                collect()
            elif self._line is not None:
                self._kombu.transport.close_connection(self._line)
        self._forget()

    def _forget(self) -> None:
        self._line = self.channel = None
        self.blocked = self.stale = False

    def _errors(self) -> tuple[type[BaseException], ...]:
        kind = self._kombu.get_transport_cls()
        recoverable = (getattr(kind, f"recoverable_{what}_errors", ()) for what in ("connection", "channel"))
        return (
            KombuError,
            OSError,
            *kind.connection_errors,
            *kind.channel_errors,
            *(e for es in recoverable for e in es),
        )

    def _translate(self, error: BaseException) -> TransportUnavailableError:
        if self.blocked:
            return alarm(self.place)
        if isinstance(error, TimeoutError):
            return TransportUnavailableError(f"{self.place} does not answer in time", hint="Check whether it hangs")
        text = (str(error).splitlines() or [""])[0][:200].rstrip(".") or type(error).__name__
        if getattr(error, "reply_code", None) == _PRECONDITION_FAILED:
            return TransportUnavailableError(
                f"{self.place} has a queue {NAME} with other arguments", hint=f"Delete the queue {NAME}"
            )
        return TransportUnavailableError(f"{self.place} cannot be used: {text}", hint="Check that the broker runs")

    def _arguments(self) -> Mapping[str, Any] | None:
        if not self.amqp:
            return None
        ttl = int(self._limits.ttl * 1000)
        return {
            "x-max-length-bytes": self._limits.size,
            "x-overflow": "drop-head",
            "x-message-ttl": ttl,
            "x-expires": ttl,
        }

    def _amqp_options(self, connection: Connection) -> Mapping[str, Any]:
        if connection.get_transport_cls().driver_type != "amqp":
            return {}
        return {"confirm_publish": True, "on_blocked": self._on_blocked, "on_unblocked": self._on_unblocked}

    def _on_blocked(self, reason: str) -> None:
        self.blocked = True

    def _on_unblocked(self) -> None:
        self.blocked = False


def alarm(where: str) -> TransportUnavailableError:
    """The broker takes no messages for now."""
    return TransportUnavailableError(
        f"{where} takes no messages: a memory or disk alarm", hint="See the alarms in `rabbitmqctl status`"
    )
