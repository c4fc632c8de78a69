"""What the operating system says of a connection that could not be made, or that broke."""

from __future__ import annotations

import socket
import ssl

from celeriac.errors import BrokerUnavailableError

_NETWORK = "Check the network between here and there, whether the server hangs, and whether both ends or none use TLS"


def unreachable(error: BaseException | None, place: str, *, plain: str) -> BrokerUnavailableError:
    """The error to raise for `error` at `place`; None: the server closed it. `plain` is the scheme without TLS."""
    match error:
        case TimeoutError():
            said, hint, cause = f"{place} does not answer in time", _NETWORK, "network"
        case ConnectionRefusedError() | FileNotFoundError():
            said, hint, cause = f"nothing listens at {place}", "Start the broker, or mend the URL", "down"
        case socket.gaierror():
            said, hint, cause = f"no address is known for {place}", "Check the broker's URL and DNS", "network"
        case ssl.SSLError():
            said = f"no TLS with {place}: {error.reason or 'the handshake failed'}"
            hint, cause = f"Check the certificate, or use {plain}:// where the server has no TLS", "network"
        case _:
            detail = (error.strerror if isinstance(error, OSError) else None) or "closed by the server"
            said, hint, cause = f"the connection to {place} broke: {detail}", "Check that the server runs", "network"
    return BrokerUnavailableError(said, hint=hint, cause=cause)
