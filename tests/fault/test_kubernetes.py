"""Real workers that really die, and a recorded Kubernetes API that tells of their pods, asked by the real client."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from lab.agent import BLIND, Agent
from lab.celery import Producer, Worker
from lab.kubernetes import KubernetesApi
from lab.redis import RedisServer
from lab.server import Server, celeriac
from lab.wait import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[KubernetesApi]:
    with KubernetesApi(tmp_path) as running:
        yield running


def pod() -> str:
    return f"worker-7d4b9c6f8-{uuid4().hex[:5]}"


def in_cluster(api: KubernetesApi) -> tuple[str, ...]:
    """A server that sees its cluster, and nothing of this host."""
    return (*BLIND, "CELERIAC_EVIDENCE__KUBERNETES=true", f"KUBECONFIG={api.kubeconfig}")


def busy(server: Server, producer: Producer) -> str:
    task = producer.send("nap", 60)
    wait_until(lambda: server.get(f"tasks/{task}")["verdict"] == "running", 30, why="the task to run")
    return task


def test_a_pod_killed_for_memory_is_told_from_its_last_state(api: KubernetesApi) -> None:
    name = pod()
    with (
        RedisServer() as redis,
        Server(redis.url, under=in_cluster(api)) as server,
        Worker(redis.url, node=f"celery@{name}") as worker,
        Producer(redis.url) as producer,
    ):
        began = time.time()
        api.show("running", pod=name, started=began)
        server.know(worker.node)
        task = busy(server, producer)
        worker.kill()
        api.show("oom-killed", pod=name, started=began, finished=time.time())
        incident = server.incident("worker-oom-killed", timeout=15)
        assert (incident["cause"], incident["subject"]["container"]) == ("container", name)
        assert "kubernetes" in {fact["source"] for fact in incident["evidence"]}
        assert incident["fix"][0]["command"].startswith("kubectl -n shop set resources deployment/worker -c worker")
        wait_until(lambda: server.get(f"tasks/{task}")["verdict"] == "lost", 20, why="the task to be lost")
        assert {one["kind"] for one in server.incidents("open")} <= {"worker-oom-killed", "task-lost"}


def test_an_evicted_pod_is_a_lost_worker_with_kubernetes_own_reason_also_through_an_agent(api: KubernetesApi) -> None:
    name = pod()
    with (
        RedisServer() as redis,
        Server(redis.url, under=BLIND) as server,
        Worker(redis.url, node=f"celery@{name}") as worker,
        Producer(redis.url) as producer,
        Agent(
            redis.url, "--kube", env={"KUBECONFIG": str(api.kubeconfig), "CELERIAC_EVIDENCE__HOST": "false"}
        ) as agent,
    ):
        api.show("running", pod=name, started=time.time())
        server.know(worker.node)
        busy(server, producer)
        worker.kill()
        api.show("evicted", pod=name, finished=time.time())
        incident = server.incident("worker-lost", timeout=20)
        incident = wait_until(
            lambda: (one := server.get(f"incidents/{incident['id']}"))["cause"] == "evicted" and one,
            20,
            why="the cause to be known",
        )
        assert "The node was low on resource: memory" in incident["summary"]
        assert "kubernetes" in agent.log


def test_a_rollout_that_stops_its_pods_in_order_is_calm(api: KubernetesApi) -> None:
    name = pod()
    with (
        RedisServer() as redis,
        Server(redis.url, under=in_cluster(api)) as server,
        Worker(redis.url, node=f"celery@{name}") as old,
        Producer(redis.url) as producer,
    ):
        began = time.time()
        api.show("running", pod=name, started=began)
        server.know(old.node)
        done = producer.send("noop")
        wait_until(lambda: server.get(f"tasks/{done}")["verdict"] == "succeeded", 30, why="work to be done")
        with Worker(redis.url, node="celery@worker-55aa77bb9-n3w3w") as new:
            server.know(new.node)
            old.term()
            api.show("rollout", pod=name, started=began, finished=time.time())
            looked = celeriac(
                *("diagnose", "--kube", "--broker", redis.url, "--store", server.store, "--json", "--for", "5"),
                env={"KUBECONFIG": str(api.kubeconfig), "CELERIAC_EVIDENCE__HOST": "false"},
            )
            assert (looked.json["findings"], looked.code) == ([], 0)
            assert server.incidents() == []


def test_a_diagnosis_says_what_it_may_not_read_in_the_cluster(api: KubernetesApi) -> None:
    api.forbidden = {"pods"}
    with RedisServer() as redis, Worker(redis.url):
        looked = celeriac(
            *("diagnose", "--kube", "--broker", redis.url, "--json", "--for", "4"),
            env={"KUBECONFIG": str(api.kubeconfig)},
        )
        spots = {spot["what"]: spot["why"] for spot in looked.json["blind_spots"]}
        assert "celeriac export kubernetes-role" in spots["pods"]
