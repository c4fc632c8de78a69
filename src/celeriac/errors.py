"""Every error Celeriac raises, on one screen (`*` = retryable).

CeleriacError
├── ConfigError                  stop at boot, every fault listed
├── WireError                    quarantine the batch
├── QueryError                   a search that cannot be read; says where
├── TransportError
│   └── TransportUnavailableError*
├── StoreError
│   ├── StoreUnavailableError*   locked, full disk
│   ├── SchemaVersionError       a store from a newer or unknown version
│   ├── NotFoundError
│   ├── ConflictError
│   └── LeaseLostError
├── BrokerError
│   ├── BrokerUnavailableError*  down, auth, network, too-many-clients
│   └── UnsupportedByBrokerError
├── EvidenceError                record "no evidence", go on
├── NotifyError
│   ├── NotifyUnavailableError*
│   └── NotifyRejectedError
├── OutboxError
│   └── NotInTransactionError
└── DrillFailedError

Messages say what happened and what to do; facts are attributes.
"""

from __future__ import annotations


class CeleriacError(Exception):
    """Base of the tree. `retryable` tells the loop runner to back off and try again."""

    retryable = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class ConfigError(CeleriacError):
    """The settings cannot be used; `faults` lists every one that was found."""

    def __init__(self, message: str, *, hint: str = "", faults: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.faults = faults


class WireError(CeleriacError):
    """Bytes that do not decode to what they claim to be."""


class QueryError(CeleriacError):
    """A search text that cannot be read; `position` is the character it fails at, from 0."""

    def __init__(self, message: str, *, position: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.position = position


class TransportError(CeleriacError):
    """The way from the user's process to ours failed."""


class TransportUnavailableError(TransportError):
    """The transport cannot be reached now."""

    retryable = True


class StoreError(CeleriacError):
    """The store cannot do what was asked."""


class StoreUnavailableError(StoreError):
    """The store cannot be written or read now: locked, disk full, connection lost."""

    retryable = True


class SchemaVersionError(StoreError):
    """The store was written by a version this one does not know."""


class NotFoundError(StoreError):
    """No such row."""


class ConflictError(StoreError):
    """The row changed underneath; read again and decide again."""


class LeaseLostError(StoreError):
    """The lease ended before the work did; somebody else may be doing it."""


class BrokerError(CeleriacError):
    """The broker answered, but not with what was asked."""


class BrokerUnavailableError(BrokerError):
    """The broker cannot be talked to; `cause` is a `broker-unreachable` cause slug."""

    retryable = True

    def __init__(self, message: str, *, hint: str = "", cause: str = "unknown") -> None:
        super().__init__(message, hint=hint)
        self.cause = cause


class OtherBrokerError(BrokerError):
    """What the store tells was seen at another broker than the one to act on."""


class UnsupportedByBrokerError(BrokerError):
    """This broker has no such facility."""


class EvidenceError(CeleriacError):
    """A look at the host failed; the answer is unknown."""


class NotifyError(CeleriacError):
    """A message could not be delivered."""


class NotifyUnavailableError(NotifyError):
    """The receiver cannot be reached now."""

    retryable = True


class NotifyRejectedError(NotifyError):
    """The receiver refused the message."""


class OutboxError(CeleriacError):
    """The outbox cannot do what was asked."""


class NotInTransactionError(OutboxError):
    """A send that needs a transaction was made outside one."""


class DrillFailedError(CeleriacError):
    """A drill could not be set up, run or checked."""
