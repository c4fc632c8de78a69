"""The settings, as one frozen tree."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class Section(BaseModel):
    """A frozen group of settings; unknown keys are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _secret(url_file: Path) -> dict[str, SecretStr | None]:
    """The address in `url_file`, in place of the file's name."""
    try:
        text = url_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"url_file cannot be read: {error.strerror}") from error
    return {"url": SecretStr(text), "url_file": None}


class BrokerSettings(Section):
    """The user's broker. The password stays secret: only `SecretStr` holds the address.

    `priority_steps` are those in `broker_transport_options`: where a rescued message with a priority goes.
    `sentinel_master` is the `master_name` there, for sentinel:// URLs.
    `management_url` is RabbitMQ's management API, http(s)://user:password@host:15672. Searching for missing tasks
    spends at most `search_bytes` and `search_commands` a second, and gives a backlog up after `search_seconds`.
    """

    url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    url_file: Path | None = None
    enable_events: bool = False
    global_keyprefix: str = ""
    sentinel_master: str = ""
    visibility_timeout: float | None = Field(default=None, gt=0)
    priority_steps: tuple[int, ...] = (0, 3, 6, 9)
    look_interval: float = Field(default=1.0, ge=0.2, le=60)
    ask_interval: float = Field(default=30.0, ge=2, le=3600)
    timeout: float = Field(default=2.0, gt=0, le=60)
    management_url: SecretStr | None = None
    search_bytes: int = Field(default=2 << 20, ge=64 << 10, le=256 << 20)
    search_commands: int = Field(default=200, ge=10, le=10_000)
    search_seconds: float = Field(default=60.0, ge=5, le=3600)
    max_messages_per_look: int = Field(default=2_000, ge=0, le=100_000)
    max_queues: int = Field(default=500, ge=1, le=10_000)

    @model_validator(mode="after")
    def _read_file(self) -> BrokerSettings:
        return self if self.url_file is None else self.model_copy(update=_secret(self.url_file))


class TransportSettings(Section):
    """Where recorders and agents hand over: the broker, unless they were given another address."""

    url: SecretStr | None = None
    url_file: Path | None = None

    @model_validator(mode="after")
    def _read_file(self) -> TransportSettings:
        return self if self.url_file is None else self.model_copy(update=_secret(self.url_file))


class StoreSettings(Section):
    """Where history lives: sqlite:///PATH, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE. `busy_timeout` is how many
    seconds a write waits for another process's, and a read for a connection."""

    url: SecretStr = SecretStr("sqlite:///celeriac.db")
    url_file: Path | None = None
    busy_timeout: float = Field(default=5.0, gt=0, le=60)

    @model_validator(mode="after")
    def _read_file(self) -> StoreSettings:
        return self if self.url_file is None else self.model_copy(update=_secret(self.url_file))


class ResultSettings(Section):
    """The user's result backend, read-only: it tells ends that no event told. None: it is not read.

    `global_keyprefix` is the one in `result_backend_transport_options`.
    """

    url: SecretStr | None = None
    url_file: Path | None = None
    global_keyprefix: str = ""
    interval: float = Field(default=2.0, ge=0.5, le=60)

    @model_validator(mode="after")
    def _read_file(self) -> ResultSettings:
        return self if self.url_file is None else self.model_copy(update=_secret(self.url_file))


class RecoverySettings(Section):
    """What is done without being asked. `auto_rescue`: put back what a dead consumer holds: nothing (`off`), what it
    never started (`never-started`), or also what it had started with late ack (`all`)."""

    auto_rescue: Literal["off", "never-started", "all"] = "off"


class ServerSettings(Section):
    """Where the dashboard and the API listen. Loopback only until there is sign-in."""

    listen: str = "127.0.0.1:8642"
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")


class EvidenceSettings(Section):
    """What is read of this host, and of the Kubernetes cluster it is in.

    `host` false leaves this host's processes, groups, kernel log and containers to an agent. `namespaces` are those
    whose pods are read: without one, the own namespace (of the service account, or the kubeconfig's context); `*` is
    every one.
    """

    host: bool = True
    interval: float = Field(default=0.5, ge=0.1, le=60)
    docker: bool | None = None
    kubernetes: bool = False
    namespaces: tuple[str, ...] = ()


class Settings(Section):
    """Everything that can be set."""

    broker: BrokerSettings = BrokerSettings()
    transport: TransportSettings = TransportSettings()
    results: ResultSettings = ResultSettings()
    store: StoreSettings = StoreSettings()
    recovery: RecoverySettings = RecoverySettings()
    server: ServerSettings = ServerSettings()
    evidence: EvidenceSettings = EvidenceSettings()
