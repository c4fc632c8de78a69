"""What py-amqp raises, as Celeriac's own errors: the door of the RabbitMQ adapter."""

from __future__ import annotations

import struct

from amqp.exceptions import AMQPError, ChannelError, ConnectionForced, MessageNacked, NotAllowed, UnexpectedFrame

from celeriac.brokers.unreachable import unreachable
from celeriac.errors import BrokerError, BrokerUnavailableError, CeleriacError
from celeriac.model.broker import RABBITMQ

FAULTS = (AMQPError, MessageNacked, OSError, struct.error, AttributeError)
"""AttributeError: py-amqp forgets its transport when a connection is lost, and then uses it (kombu/transport/pyamqp.py,
Transport)."""
_LOGIN_REFUSED = "Login was refused"


def translate(error: BaseException, place: str) -> CeleriacError:
    """The Celeriac error that `error`, met at `place` (host:port), means."""
    place = f"{RABBITMQ} at {place}"
    text = _first_line(error)
    if _LOGIN_REFUSED in text or "auth mechanism" in text:
        return _refused_login(place)
    if isinstance(error, NotAllowed):
        return _not_allowed(text, place)
    if isinstance(error, ConnectionForced):
        return BrokerUnavailableError(
            f"{place} closed the connection: {text}", hint="Check that the broker runs", cause="down"
        )
    if isinstance(error, (UnexpectedFrame, struct.error)):
        return BrokerError(f"{place}: what answers does not speak AMQP 0-9-1", hint="Check host, port and scheme")
    if isinstance(error, (ChannelError, MessageNacked)):
        return BrokerError(f"{place} refuses: {text}")
    return unreachable(error, place, plain="amqp")


def refused(place: str) -> BrokerUnavailableError:
    """The server takes no messages for now."""
    return BrokerUnavailableError(
        f"{RABBITMQ} at {place} takes no messages: a memory or disk alarm",
        hint="See the alarms in `rabbitmqctl status`",
    )


def _refused_login(place: str) -> BrokerUnavailableError:
    return BrokerUnavailableError(
        f"{place} refuses the user or password",
        hint="Give the broker's user and password in its URL: amqp://USER:PASSWORD@HOST:PORT/VHOST",
        cause="auth",
    )


def _not_allowed(text: str, place: str) -> BrokerError:
    """Code 530 (rabbit_reader.erl): a limit on connections, a virtual host that is none, or is not for this user."""
    if "limit" in text:
        return BrokerUnavailableError(
            f"{place} has no connection left: {text}",
            hint="Raise the limit of the virtual host or the user, or see rabbitmqctl list_connections",
            cause="too-many-clients",
        )
    if "not found" in text:
        return BrokerError(f"{place} has no such virtual host: {text}", hint="Correct the end of the broker's URL")
    return BrokerUnavailableError(
        f"{place} refuses the user: {text}", hint="Allow the user to use the virtual host", cause="auth"
    )


def _first_line(error: BaseException) -> str:
    text = str(getattr(error, "reply_text", None) or error)
    return text.splitlines()[0][:200].rstrip(".") if text else type(error).__name__
