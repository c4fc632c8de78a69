"""What the user chose, checked: a keyword counts before `app.conf.celeriac_*`, that before `CELERIAC_*`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from celeriac.errors import ConfigError

PREFIX = "celeriac_"
PAYLOADS = ("exact", "redacted", "none")
POISON = ("report", "park")
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


@dataclass(frozen=True, slots=True)
class Options:
    """How this process is recorded. Times are seconds, sizes bytes; `transport` None is the app's own broker.

    `poison` says what becomes of a task at its `poison_limit`-th death: report | park. `keepalive` keeps deliveries
    that this worker is working on from being given to another one.
    """

    enabled: bool = True
    transport: str | None = None
    payloads: str = "redacted"
    redact: tuple[str, ...] = ()
    heartbeat: float = 2.0
    memory_interval: float = 1.0
    poison: str = "report"
    poison_limit: int = 3
    keepalive: bool = False
    buffer_max: int = 50_000
    buffer_bytes: int = 16 * 1024 * 1024


def switched_off(environ: Mapping[str, str]) -> bool:
    """Whether `CELERIAC_ENABLED` says no. It beats everything."""
    return environ.get("CELERIAC_ENABLED", "1").strip().lower() in _NO


def checked(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of `install` as values of Options. Raises ConfigError with every fault in them."""
    values, faults = _parsed(keywords, "{}")
    if faults:
        raise ConfigError(
            f"celeriac.install: {'; '.join(faults)}", hint=f"Options are {', '.join(_PARSERS)}", faults=faults
        )
    return values


def resolve(
    keywords: Mapping[str, Any], conf: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[Options, tuple[str, ...]]:
    """The options, and what is wrong in `conf` and `environ`, whose default is used instead.

    `keywords` have been `checked`; `conf` are Celery's settings, read by `get` alone.
    """
    set_conf = {name: conf.get(PREFIX + name) for name in _PARSERS}
    set_env = {name: environ.get((PREFIX + name).upper()) for name in _PARSERS}
    from_conf, conf_faults = _parsed(_given(set_conf), PREFIX + "{}")
    from_env, env_faults = _parsed(_given(set_env), "CELERIAC_{}")
    return Options(**(from_env | from_conf | dict(keywords))), (*conf_faults, *env_faults)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _parsed(values: Mapping[str, Any], called: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Good values, and a sentence for each that is not. `called` is how the user spells a name."""
    good: dict[str, Any] = {}
    faults: list[str] = []
    for name, value in values.items():
        spelled = called.format(name.upper() if called.isupper() else name)
        try:
            good[name] = _PARSERS[name](value)
        except KeyError:
            faults.append(f"no option is called {spelled}")
        except (TypeError, ValueError) as error:
            faults.append(f"{spelled} {error}")
    return good, tuple(faults)


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in _YES + _NO:
        raise ValueError(f"must be true or false, not {value!r}")
    return text in _YES


def _address(value: Any) -> str | None:
    """The fault does not show the value: a password may be in any part of it."""
    if value is None or (isinstance(value, str) and _leads_somewhere(value)):
        return value
    raise ValueError("must be a broker URL such as redis://host:6379/0")


def _leads_somewhere(url: str) -> bool:
    """Whether kombu can take it apart; nothing is opened (kombu/connection.py, Connection)."""
    from kombu import Connection

    try:
        Connection(url)
    except (KeyError, ValueError, ImportError):
        return False
    return "://" in url


def _chosen(among: tuple[str, ...]) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in among:
            raise ValueError(f"must be one of {', '.join(among)}, not {value!r}")
        return str(value)

    return parse


def _words(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple, set, frozenset)) or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"must be words, or a text of words with commas between, not {value!r}")
    return tuple(part.strip() for part in parts if part.strip())


def _seconds(least: float, *, off: bool = False) -> Callable[[Any], float]:
    def parse(value: Any) -> float:
        number = _number(value)
        if not (least <= number <= 3600 or (off and number == 0)):
            raise ValueError(f"must be {'0 (off) or ' if off else ''}{least} to 3600 seconds, not {value!r}")
        return number

    return parse


def _amount(least: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        number = _number(value)
        if number != int(number) or number < least:
            raise ValueError(f"must be a whole number, {least} or more, not {value!r}")
        return int(number)

    return parse


def _number(value: Any) -> float:
    """A finite number, from a text too. Raises ValueError."""
    try:
        number = float(str(value).replace("_", "")) if not isinstance(value, bool) else float("nan")
    except ValueError:
        number = float("nan")
    if not abs(number) < float("inf"):
        raise ValueError(f"must be a number, not {value!r}")
    return number


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "enabled": _switch,
    "transport": _address,
    "payloads": _chosen(PAYLOADS),
    "redact": _words,
    "heartbeat": _seconds(0.1),
    "memory_interval": _seconds(0.1, off=True),
    "poison": _chosen(POISON),
    "poison_limit": _amount(1),
    "keepalive": _switch,
    "buffer_max": _amount(100),
    "buffer_bytes": _amount(64 * 1024),
}
assert set(_PARSERS) == {field.name for field in fields(Options)}  # noqa: S101 -- the two must name the same options
