"""The connection to a Kubernetes API: the one place that knows lightkube and its errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from celeriac.errors import EvidenceError

if TYPE_CHECKING:
    from lightkube import Client
    from lightkube.models.apps_v1 import ReplicaSet
    from lightkube.models.core_v1 import Event, Node, Pod

TIMEOUT = 1.5
PAGE = 500
PODS_LIMIT = 2_000
OBJECTS_LIMIT = 500

T = TypeVar("T")


class Cluster:
    """One API server, read-only: as a pod's service account, else by KUBECONFIG, else by ~/.kube/config.

    Connects at the first call, and again after a failure. Every call raises EvidenceError. A namespace None is the
    own one, `*` every one.
    """

    def __init__(self) -> None:
        self._client: Client | None = None

    def pods(self, namespace: str | None) -> list[Pod]:
        """The pods, at most 2,000."""
        from lightkube.resources.core_v1 import Pod

        return self._list("pods", PODS_LIMIT, lambda client: client.list(Pod, namespace=namespace, chunk_size=PAGE))

    def replica_sets(self, namespace: str | None) -> list[ReplicaSet]:
        """The ReplicaSets, at most 500: each is one revision of a Deployment."""
        from lightkube.resources.apps_v1 import ReplicaSet

        return self._list(
            "replicasets", OBJECTS_LIMIT, lambda client: client.list(ReplicaSet, namespace=namespace, chunk_size=PAGE)
        )

    def evictions(self, namespace: str | None) -> list[Event]:
        """The events that say a pod was evicted, at most 500; the API forgets them after an hour."""
        from lightkube.resources.core_v1 import Event

        return self._list(
            "events",
            OBJECTS_LIMIT,
            lambda client: client.list(Event, namespace=namespace, chunk_size=PAGE, fields={"reason": "Evicted"}),
        )

    def nodes(self) -> list[Node]:
        """The cluster's nodes, at most 500."""
        from lightkube.resources.core_v1 import Node

        return self._list("nodes", OBJECTS_LIMIT, lambda client: client.list(Node, chunk_size=PAGE))

    def close(self) -> None:
        """Drop the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _list(self, what: str, most: int, ask: Callable[[Client], Iterable[T]]) -> list[T]:
        client = self._connected()  # first: it says when the client is not installed
        import httpx2
        import msgspec
        from lightkube import ApiError

        try:
            return list(islice(ask(client), most))
        except ApiError as error:
            raise _refused(what, error.response.status_code, str(error)) from error
        except httpx2.HTTPStatusError as error:
            raise _refused(what, error.response.status_code, error.response.reason_phrase) from error
        except (httpx2.HTTPError, msgspec.MsgspecError, OSError) as error:
            self.close()
            raise EvidenceError(
                f"the Kubernetes API at {client.config.cluster.server} does not answer: {_why(error)}",
                hint="Check KUBECONFIG, and that this host may reach it",
            ) from error

    def _connected(self) -> Client:
        if self._client is None:
            self._client = _connect()
        return self._client


def _connect() -> Client:
    try:
        import httpx2
        import yaml
        from lightkube import Client, ConfigError
    except ImportError as error:
        raise EvidenceError("lightkube is not installed", hint="pip install 'celeriac[kubernetes]'") from error

    try:
        return Client(timeout=httpx2.Timeout(TIMEOUT), lazy=False)
    except (ConfigError, yaml.YAMLError, KeyError, AssertionError, OSError, ValueError) as error:
        raise EvidenceError(
            f"no way to a Kubernetes API: {_why(error)}", hint="Run in a pod with a service account, or set KUBECONFIG"
        ) from error


def _refused(what: str, status: int, why: str) -> EvidenceError:
    if status in (401, 403):
        hint = "Grant it: celeriac export kubernetes-role"
        return EvidenceError(f"the Kubernetes API does not let us list {what} ({status})", hint=hint)
    return EvidenceError(f"the Kubernetes API refuses to list {what} ({status}): {' '.join(why.split())[:200]}")


def _why(error: Exception) -> str:
    return f"{type(error).__name__} {' '.join(str(error).split())[:200]}".strip()
