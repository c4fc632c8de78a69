"""What RabbitMQ does to its clients, as the adapter shows it."""

from __future__ import annotations

import time
import uuid
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from kombu import Connection
from kombu import Producer as Publisher
from pydantic import SecretStr

from celeriac.brokers import Broker
from celeriac.brokers.base import Claim
from celeriac.brokers.open import open_broker
from celeriac.errors import BrokerError, BrokerUnavailableError, UnsupportedByBrokerError
from celeriac.model.broker import BrokerLook
from celeriac.model.queue import QueueSample
from celeriac.model.sighting import Search, Wanted
from celeriac.settings import BrokerSettings
from lab.celery import Producer, Worker
from lab.rabbit import RabbitServer
from lab.rabbit_stage import USER, VirtualHost
from lab.wait import wait_until

pytestmark = pytest.mark.rabbitmq
TIMEOUT = 12_000
LATE = {"task_acks_late": True, "worker_prefetch_multiplier": 1}


@pytest.fixture
def host(rabbit: RabbitServer) -> Iterator[VirtualHost]:
    with VirtualHost(rabbit) as host:
        yield host


@pytest.fixture
def broker(host: VirtualHost) -> Iterator[Broker]:
    with closing(open_broker(host.settings())) as broker:
        yield broker


@pytest.fixture
def alone(host: VirtualHost) -> Iterator[Broker]:
    """Without the management API."""
    with closing(open_broker(host.settings(managed=False))) as broker:
        yield broker


@contextmanager
def channel_of(host: VirtualHost) -> Iterator[Any]:
    with closing(Connection(host.url)) as connection:
        yield connection.default_channel


def queue(look: BrokerLook, name: str = "celery") -> QueueSample | None:
    return next((sample for sample in look.queues if sample.queue == name), None)


def node() -> str:
    return f"w-{uuid.uuid4().hex[:8]}@lab"


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_what_a_worker_has_is_counted_with_its_connection(host: VirtualHost, broker: Broker, kind: str) -> None:
    conf = {**LATE, "task_default_queue_type": kind, "worker_detect_quorum_queues": True}
    with Producer(host.url, conf) as producer, Worker(host.url, node=node(), conf=conf, concurrency=1):
        producer.send("nap", 10)
        look = wait_until(lambda: _with_one_held(broker.look(time.time())), timeout=30, why="the figures to come in")
    sample = queue(look)
    assert sample is not None
    assert (sample.ready, sample.consumers, sample.role) == (0, 1, None)
    assert look.held is None, "RabbitMQ shows no message"
    assert [one.unacked for one in look.consumers or () if one.waiting] == [1]


def _with_one_held(look: BrokerLook) -> BrokerLook | None:
    """A queue's figures and a channel's come in one after the other."""
    return look if (getattr(queue(look), "unacked", 0), look.held_count) == (1, 1) else None


def test_queues_that_stand_aside_are_told_from_work(host: VirtualHost, broker: Broker) -> None:
    with channel_of(host) as channel:
        channel.exchange_declare(exchange="dlx", type="direct", durable=True, auto_delete=False)
        dead, retry = {"x-dead-letter-exchange": "dlx"}, {"x-dead-letter-exchange": "", "x-message-ttl": 60_000}
        for name, arguments in {
            "work": {**dead, "x-dead-letter-routing-key": "dead"},
            "dead": {},
            "tried": {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "later"},
            "later": {**retry, "x-dead-letter-routing-key": "tried"},
            "celery_delayed_3": {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "work"},
        }.items():
            channel.queue_declare(queue=name, durable=True, auto_delete=False, arguments=arguments)
        channel.queue_bind("dead", "dlx", "dead")
    roles = {sample.queue: sample.role for sample in broker.look(time.time()).queues}
    assert roles == {
        "work": None,
        "dead": "dead-letter",
        "tried": None,
        "later": "delayed",
        "celery_delayed_3": "delayed",
    }


def test_an_alarm_is_seen_and_whom_it_blocks(
    rabbit: RabbitServer, host: VirtualHost, broker: Broker, alone: Broker
) -> None:
    assert alone.look(time.time()).alarms == ()
    with closing(Connection(host.url)) as connection:
        rabbit.ctl("set_vm_memory_high_watermark", "0.00001")
        try:
            Publisher(connection).publish("x", routing_key="nowhere")
            wait_until(lambda: broker.look(time.time()).blocked, timeout=15, why="the publisher to be blocked")
            wait_until(lambda: alone.look(time.time()).alarms == ("memory or disk",), timeout=15)
            look = broker.look(time.time())
        finally:
            rabbit.ctl("set_vm_memory_high_watermark", "0.4")
    assert (look.alarms, look.memory_share is not None and look.memory_share > 1) == (("memory",), True)
    wait_until(lambda: alone.look(time.time()).alarms == (), timeout=15, why="the alarm to end")


@pytest.fixture
def impatient(rabbit: RabbitServer) -> Iterator[None]:
    """What is not acknowledged within seconds costs its consumer the channel."""
    before = rabbit.ctl("eval", "{ok, T} = application:get_env(rabbit, consumer_timeout), T.").strip()
    rabbit.ctl("eval", f"application:set_env(rabbit, consumer_timeout, {TIMEOUT}).")
    yield
    rabbit.ctl("eval", f"application:set_env(rabbit, consumer_timeout, {before}).")


@pytest.mark.usefixtures("impatient")
def test_a_consumer_that_timed_out_is_no_consumer_though_its_worker_lives(host: VirtualHost, broker: Broker) -> None:
    with Producer(host.url) as producer, Worker(host.url, node=node(), conf=LATE, concurrency=1) as worker:
        producer.send("nap", 60)
        wait_until(lambda: "PRECONDITION_FAILED" in worker.output, timeout=30, why="the consumer timeout")
        wait_until(lambda: getattr(queue(broker.look(time.time())), "consumers", None) == 0, timeout=20)
        sample = queue(broker.look(time.time()))
        assert worker.process.poll() is None
        assert sample is not None
        assert sample.ready == 1, "the message is in its queue again"


def test_a_queue_deleted_under_a_producer_takes_nothing_and_is_not_shown(host: VirtualHost, broker: Broker) -> None:
    payload = {"body": b64encode(b"[]").decode(), "exchange": "", "routing_key": "celery", "headers": {"id": "x"}}
    with Producer(host.url) as producer:
        producer.send("noop")
        broker.publish(payload)
        assert _ready(broker) == 2
        with channel_of(host) as channel:
            channel.queue_delete("celery")
        producer.send("noop")
        with pytest.raises(BrokerError, match="nothing at the broker takes"):
            broker.publish(payload)
    wait_until(lambda: queue(broker.look(time.time())) is None, timeout=10)


def test_a_killed_connection_is_told_and_made_again(host: VirtualHost, broker: Broker) -> None:
    with closing(broker.events()) as events:
        wait_until(lambda: events.read(0.1, 10).current)
        broker.look(time.time())
        wait_until(lambda: len(_connections(host)) >= 2, timeout=15)
        for name in _connections(host):
            host.api("DELETE", f"connections/{name}")
        with pytest.raises(BrokerUnavailableError):
            broker.look(time.time())
        with pytest.raises(BrokerUnavailableError):
            events.read(0.5, 10)
        assert events.read(0.5, 10).reconnected
        assert broker.look(time.time()).version


def test_only_an_empty_queue_proves_that_a_task_is_absent(host: VirtualHost, broker: Broker, alone: Broker) -> None:
    with Producer(host.url) as producer:
        waiting = producer.send("noop", queue="full")
        producer.send("noop", queue="emptied")
    with channel_of(host) as channel:
        channel.queue_purge("emptied")
    told = _searched(broker, {waiting: "full", "gone": "emptied", "deleted": "never-there", "anywhere": None})
    assert told.absent == {"gone", "deleted"}
    assert "1 waiting in full" in told.unsure[waiting]
    assert "anywhere" in told.unsure
    assert not told.found
    assert "management API" in _searched(alone, {"gone": "emptied"}).unsure["gone"]


def test_a_url_names_the_authority_of_a_secure_server(rabbit: RabbitServer) -> None:
    url = f"amqps://guest:guest@127.0.0.1:{rabbit.secure_port}//"
    with closing(_opened(url)) as broker, pytest.raises(BrokerUnavailableError, match="no TLS"):
        broker.look(time.time())
    for more in ("CERT_REQUIRED", "CERT_REQUIRED&ssl_check_hostname=true"):
        with closing(_opened(f"{url}?ssl_cert_reqs={more}&ssl_ca_certs={rabbit.certificate}")) as broker:
            assert broker.look(time.time()).kind == "rabbitmq"
            assert broker.label == f"amqps://127.0.0.1:{rabbit.secure_port}//"


def test_who_may_not_publish_sees_the_queues_and_not_the_alarm(host: VirtualHost) -> None:
    host.api("PUT", f"permissions/{host.name}/{USER}", {"configure": "", "write": "", "read": ""})
    with closing(open_broker(host.settings(managed=False))) as broker:
        look = broker.look(time.time())
    assert look.alarms is None
    assert "memory and disk alarms" in [spot.what for spot in look.blind_spots]


def test_nothing_is_restored_where_the_broker_gives_back_by_itself(broker: Broker) -> None:
    with pytest.raises(UnsupportedByBrokerError, match="gives back"):
        broker.restore(Claim("1", "x", 0.0), 1)


def test_a_wrong_password_and_a_full_house_have_their_causes(host: VirtualHost) -> None:
    wrong = host.settings().model_copy(update={"url": SecretStr(host.url.replace("a-secret", "another"))})
    with closing(open_broker(wrong)) as broker, pytest.raises(BrokerUnavailableError) as raised:
        broker.look(time.time())
    assert raised.value.cause == "auth"
    host.api("PUT", f"vhost-limits/{host.name}/max-connections", {"value": 0})
    with closing(open_broker(host.settings())) as broker, pytest.raises(BrokerUnavailableError) as raised:
        broker.look(time.time())
    assert raised.value.cause == "too-many-clients"


def _opened(url: str) -> Broker:
    return open_broker(BrokerSettings(url=SecretStr(url)))


def _ready(broker: Broker) -> int:
    sample = queue(broker.look(time.time()))
    return sample.ready if sample else 0


def _connections(host: VirtualHost) -> list[str]:
    return [one["name"] for one in host.api("GET", f"vhosts/{host.name}/connections")]


def _searched(broker: Broker, ids: dict[str, str | None]) -> Search:
    told: list[Search] = []

    def step() -> bool:
        told.append(broker.search(Wanted(ids), time.time()))
        return told[-1].done

    wait_until(step, timeout=30, every=0.2)
    return told[-1]
