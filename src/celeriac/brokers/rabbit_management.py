"""RabbitMQ's management API over HTTP: what AMQP does not tell. Its figures are some seconds old."""

from __future__ import annotations

from ssl import create_default_context
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
import msgspec
from pydantic import SecretStr

from celeriac.errors import BrokerError, BrokerUnavailableError, ConfigError

LARGEST_ANSWER = 32 << 20
T = TypeVar("T")


class Node(msgspec.Struct):
    """A node of the cluster as its last report has it; bytes, and milliseconds of `uptime`."""

    name: str
    running: bool = True
    os_pid: str | None = None
    uptime: int | None = None
    mem_used: int | None = None
    mem_limit: int | None = None
    mem_alarm: bool = False
    disk_free_alarm: bool = False


class Passed(msgspec.Struct):
    """What has passed through a queue since it was declared, or its node started."""

    publish: int = 0


class Queue(msgspec.Struct):
    """A queue as its last report has it; counts are None before the first."""

    name: str
    type: str = "classic"
    state: str = "running"
    exclusive: bool = False
    messages_ready: int | None = None
    messages_unacknowledged: int | None = None
    consumers: int | None = None
    message_stats: Passed | None = None
    arguments: dict[str, Any] = {}
    effective_policy_definition: dict[str, Any] | list[Any] | None = None

    def argument(self, name: str) -> Any:
        """What a queue argument `x-name` says, or else the policy's `name`."""
        policy = self.effective_policy_definition
        found = self.arguments.get(f"x-{name}")
        return policy.get(name) if found is None and isinstance(policy, dict) else found


class Total(msgspec.Struct):
    """What a queue itself last counted; `messages_details` only where the server gives its usual, older figures."""

    name: str
    messages_ready: int | None = None
    messages_unacknowledged: int | None = None
    messages_details: Any = None


class Page(msgspec.Struct):
    """The deepest queues, and how many there are."""

    items: list[Queue]
    filtered_count: int = 0


class Connection(msgspec.Struct):
    """A client's connection; `connected_at` in milliseconds."""

    name: str = ""
    state: str = "running"
    peer_host: str = ""
    peer_port: int | str = 0
    connected_at: int = 0
    vhost: str = ""
    client_properties: dict[str, Any] = {}


class _Named(msgspec.Struct):
    name: str = ""


class _OnConnection(msgspec.Struct):
    connection_name: str = ""


class Consumer(msgspec.Struct):
    """Who takes from a queue."""

    queue: _Named
    channel_details: _OnConnection | list[Any]

    @property
    def connection(self) -> str:
        """The connection's name, "" while the channel has not reported."""
        return self.channel_details.connection_name if isinstance(self.channel_details, _OnConnection) else ""


class Channel(msgspec.Struct):
    """How many messages a channel's client has and has not acknowledged."""

    connection_details: _Named | list[Any]
    messages_unacknowledged: int = 0


class Binding(msgspec.Struct):
    """Where an exchange leads."""

    destination: str
    destination_type: str
    routing_key: str = ""


class Management:
    """Read-only. Raises BrokerUnavailableError with its cause, or BrokerError for what is no management API.

    Every question after `begin` is answered within `timeout` seconds of it.
    """

    def __init__(self, url: SecretStr, vhost: str, timeout: float) -> None:
        try:
            given = httpx2.URL(url.get_secret_value())
        except httpx2.InvalidURL as error:
            raise ConfigError("broker.management_url cannot be read", hint=_EXAMPLE) from error
        if given.scheme not in ("http", "https") or not given.host:
            raise ConfigError("broker.management_url is no http:// or https:// URL", hint=_EXAMPLE)
        self.place = f"{given.host}:{given.port or (443 if given.scheme == 'https' else 80)}"
        self._vhost = quote(vhost, safe="")
        self._timeout = timeout
        self._deadline = 0.0
        self._client = httpx2.Client(
            base_url=given.copy_with(username=None, password=None),
            auth=(given.username, given.password) if given.username else None,
            verify=create_default_context() if given.scheme == "https" else True,
            trust_env=False,
        )

    def begin(self) -> None:
        """Begin a reading."""
        self._deadline = monotonic() + self._timeout

    def nodes(self) -> list[Node]:
        """Every node."""
        return self._get("nodes", list[Node])

    def queues(self, most: int) -> Page:
        """The `most` deepest queues of the virtual host."""
        return self._get(
            f"queues/{self._vhost}",
            Page,
            page=1,
            page_size=most,
            sort="messages",
            sort_reverse="true",
        )

    def totals(self) -> list[Total]:
        """Every queue of the virtual host as it counted itself, past the server's own cache of five seconds."""
        return self._get(f"queues/{self._vhost}", list[Total], disable_stats="true", enable_queue_totals="true")

    def connections(self) -> list[Connection]:
        """Every connection to the virtual host."""
        return self._get(f"vhosts/{self._vhost}/connections", list[Connection])

    def consumers(self) -> list[Consumer]:
        """Every consumer of the virtual host."""
        return self._get(f"consumers/{self._vhost}", list[Consumer])

    def channels(self) -> list[Channel]:
        """Every channel of the virtual host."""
        return self._get(f"vhosts/{self._vhost}/channels", list[Channel])

    def bindings(self, exchange: str) -> list[Binding]:
        """Where `exchange` leads; it must have a name."""
        return self._get(f"exchanges/{self._vhost}/{quote(exchange, safe='')}/bindings/source", list[Binding])

    def close(self) -> None:
        """Drop every connection."""
        self._client.close()

    def _get(self, path: str, shape: type[T], **query: str | int) -> T:
        try:
            status, body = self._ask(f"/api/{path}", query)
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise BrokerUnavailableError(f"{self.place} does not answer in time", cause="network") from error
        except httpx2.HTTPError as error:
            raise BrokerUnavailableError(f"{self.place} cannot be reached over HTTP: {error}", cause="down") from error
        if status == httpx2.codes.UNAUTHORIZED:
            raise BrokerUnavailableError(f"{self.place} refuses the user or password", hint=_TAG, cause="auth")
        if status != httpx2.codes.OK:
            raise BrokerError(f"{self.place} answers {status} to /api/{path}")
        return _decode(body, shape, f"{self.place}/api/{path}")

    def _ask(self, path: str, query: dict[str, str | int]) -> tuple[int, bytes]:
        """Status and body. httpx's timeout is for each piece that comes, so the pieces are counted here."""
        body = bytearray()
        with self._client.stream("GET", path, params=query, timeout=self._left()) as answer:
            for piece in answer.iter_bytes():
                body += piece
                self._left()
                if len(body) > LARGEST_ANSWER:
                    raise BrokerError(f"{self.place}{path} answers with more than {LARGEST_ANSWER:,} bytes")
            return answer.status_code, bytes(body)

    def _left(self) -> float:
        """Seconds until the deadline; raises TimeoutError past it."""
        left = self._deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _decode(body: bytes, shape: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BrokerError(f"{what} is not as RabbitMQ writes it: {error}") from error


_EXAMPLE = "Write it like http://user:password@127.0.0.1:15672"
_TAG = "The user needs the tag `monitoring`: rabbitmqctl set_user_tags USER monitoring"
