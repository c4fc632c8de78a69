"""Broker URLs, by kombu's rules."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from celeriac.brokers.address import parse
from celeriac.brokers.open import open_broker
from celeriac.errors import ConfigError, UnsupportedByBrokerError
from celeriac.settings import BrokerSettings


def test_what_is_left_out_has_kombus_defaults() -> None:
    address = parse("redis://")
    assert (address.host, address.port, address.db) == ("127.0.0.1", 6379, 0)
    assert address.tls is None


def test_user_and_password_are_unquoted() -> None:
    address = parse("redis://me%40here:p%2Fw@cache:7000/3")
    assert (address.username, address.password) == ("me@here", "p/w")
    assert (address.host, address.port, address.db) == ("cache", 7000, 3)


def test_the_label_and_the_repr_show_no_secret() -> None:
    address = parse("rediss://me:hunter2@cache/3?ssl_keyfile=/etc/key.pem")
    assert address.label == "rediss://cache:6379/3"
    assert "hunter2" not in repr(address)


def test_a_unix_socket_is_spelled_as_kombu_spells_it() -> None:
    address = parse("redis+socket://:hunter2@/run/redis.sock?virtual_host=4")
    assert (address.path, address.db, address.password) == ("/run/redis.sock", 4, "hunter2")
    assert address.label == "redis+socket:///run/redis.sock?virtual_host=4"


def test_an_ipv6_host_keeps_its_brackets_in_the_label() -> None:
    assert parse("redis://[::1]:7000/0").label == "redis://[::1]:7000/0"


@pytest.mark.parametrize(
    ("query", "certificate", "hostname"),
    [("", "none", False), ("?ssl_cert_reqs=CERT_REQUIRED", "required", True), ("?ssl_cert_reqs=none", "none", False)],
)
def test_certificates_are_checked_when_kombu_would(query: str, certificate: str, hostname: bool) -> None:
    tls = parse(f"rediss://cache{query}").tls
    assert tls == {"ssl_cert_reqs": certificate, "ssl_check_hostname": hostname}


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hunter2@cache:port/0",
        "redis://:hunter2@cache:70000/0",
        "redis://:hunter2@cache/first",
        "rediss://:hunter2@cache/0?ssl_cert_reqs=perhaps",
        "redis+socket://:hunter2@",
        "http://:hunter2@cache",
        "redis://:hunter2@a;redis://:hunter2@b",
        "hunter2@cache",
        "",
    ],
)
def test_a_url_that_is_none_gives_one_line_with_an_example_and_no_secret(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        open_broker(BrokerSettings(url=SecretStr(url)))
    assert raised.value.hint
    assert "\n" not in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "product"),
    [("confluentkafka://k", "Kafka"), ("sqs://", "Amazon SQS")],
)
def test_a_broker_of_celerys_that_is_not_read_is_named(url: str, product: str) -> None:
    with pytest.raises(UnsupportedByBrokerError, match=f"{product} is not read yet"):
        open_broker(BrokerSettings(url=SecretStr(url)))


def test_sentinels_are_all_known_and_the_first_has_the_credentials() -> None:
    address = parse("sentinel://:secret@a:1/2;sentinel://b;c:3", "mymaster")
    assert address.sentinels == (("a", 1), ("b", 26379), ("c", 3))
    assert (address.db, address.password, address.master) == (2, "secret", "mymaster")
    assert address.label == "sentinel://mymaster@a:1,b:26379,c:3/2"


def test_sentinels_without_the_name_of_the_primary_are_refused() -> None:
    with pytest.raises(ConfigError, match="sentinel_master"):
        parse("sentinel://s:26379")
