"""The sources of one host, made ready to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from socket import gethostname

from celeriac.errors import ConfigError
from celeriac.evidence.base import Source
from celeriac.evidence.cgroups import CgroupSource
from celeriac.evidence.docker import DockerSource
from celeriac.evidence.engine import engine_address
from celeriac.evidence.kernel import KernelSource
from celeriac.evidence.kubernetes import KubernetesSource
from celeriac.evidence.processes import ProcessSource
from celeriac.settings.tree import EvidenceSettings


def host_sources(
    settings: EvidenceSettings,
    *,
    docker: bool | None = None,
    kube: bool | None = None,
    plugins: Sequence[object] = (),
) -> tuple[Source, ...]:
    """process, cgroup, kernel, docker, kubernetes, then what `plugins` make, in their order.

    `docker` true asks for containers (no engine is then a blind spot), false leaves them out, None takes the
    settings' word, and without one looks when there is an engine. `kube` true asks the Kubernetes API, None takes the
    settings' word. A plugin is called without arguments and gives a Source; raises ConfigError when it does not.
    """
    host = _of_host(settings.docker if docker is None else docker) if settings.host else ()
    asked = settings.kubernetes if kube is None else kube
    cluster = (KubernetesSource(settings.namespaces),) if asked else ()
    return (*host, *cluster, *(_made(plugin) for plugin in plugins))


def _of_host(docker: bool | None) -> tuple[Source, ...]:
    host = gethostname()
    processes = ProcessSource(host)
    sources: tuple[Source, ...] = (processes, CgroupSource(host, processes.mains), KernelSource(host))
    address = engine_address()
    if docker or (docker is None and address is not None):
        sources = (*sources, DockerSource(host, address, processes.containers))
    return sources


def _made(plugin: object) -> Source:
    source = plugin() if callable(plugin) else plugin
    if not isinstance(source, Source):
        raise ConfigError(f"the source plugin {plugin!r} gives no Source", hint="It needs name, look(at) and close()")
    return source
