"""Options: a keyword counts first, then the app's settings, then the environment; a wrong one never hurts later."""

from __future__ import annotations

from typing import Any

import pytest

from celeriac.errors import ConfigError
from celeriac.worker.options import Options, checked, resolve, switched_off


def test_a_keyword_beats_the_settings_and_they_beat_the_environment() -> None:
    conf = {"celeriac_heartbeat": 3, "celeriac_payloads": "none"}
    environ = {"CELERIAC_HEARTBEAT": "4", "CELERIAC_PAYLOADS": "exact", "CELERIAC_MEMORY_INTERVAL": "0"}
    options, faults = resolve(checked({"heartbeat": 1}), conf, environ)
    assert (options.heartbeat, options.payloads, options.memory_interval) == (1.0, "none", 0.0)
    assert options.buffer_max == Options().buffer_max
    assert faults == ()


def test_every_wrong_keyword_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        checked({"payload": "exact", "payloads": "all", "heartbeat": "soon", "buffer_max": 3, "transport": "here"})
    assert len(caught.value.faults) == 5
    assert "no option is called payload" in caught.value.faults
    assert "payloads must be one of exact, redacted, none, not 'all'" in caught.value.faults


def test_a_wrong_value_elsewhere_is_told_and_the_default_used() -> None:
    conf = {"celeriac_buffer_max": "many"}
    options, faults = resolve({}, conf, {"CELERIAC_PAYLOADS": "everything", "CELERIAC_REDACT": "pin, tan"})
    assert options == Options(redact=("pin", "tan"))
    assert faults == (
        "celeriac_buffer_max must be a number, not 'many'",
        "CELERIAC_PAYLOADS must be one of exact, redacted, none, not 'everything'",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("heartbeat", True), ("heartbeat", 0), ("heartbeat", float("nan")), ("memory_interval", -1),
        ("buffer_bytes", 1.5e6 + 0.5), ("buffer_max", None), ("redact", [1]), ("redact", 5), ("enabled", "maybe"),
        ("transport", 7), ("transport", "rediss//h"), ("transport", "reddis://h"), ("transport", "redis://:pa/ss@h/0"),
        ("payloads", ["exact"]),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_a_fault(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be"):
        checked({name: value})


@pytest.mark.parametrize("value", ["0", "false", "No", " off ", ""])
def test_the_switch_in_the_environment_is_off(value: str) -> None:
    assert switched_off({"CELERIAC_ENABLED": value})


@pytest.mark.parametrize("environ", [{}, {"CELERIAC_ENABLED": "1"}, {"CELERIAC_ENABLED": "of course"}])
def test_anything_else_leaves_it_on(environ: dict[str, str]) -> None:
    assert not switched_off(environ)
