"""Values to and from JSON, guided by their type hints: one codec for rows, files and the transport."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from celeriac.errors import WireError

T = TypeVar("T")


def encode(value: object) -> Any:
    """`value` as plain JSON types. Fields at their default are left out, so rows stay small."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: encode(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not _at_default(field, getattr(value, field.name))
        }
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def decode(kind: type[T], value: Any) -> T:
    """A `kind` from what `encode` made of one. Unknown fields are ignored: an older reader meets a newer writer.

    Raises WireError when the shape does not fit.
    """
    try:
        return _decode(kind, value)  # type: ignore[no-any-return]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise WireError(f"not a {kind.__name__}: {error}") from error


def _at_default(field: dataclasses.Field[Any], value: object) -> bool:
    if field.default is not dataclasses.MISSING:
        return bool(value == field.default)
    return field.default_factory is not dataclasses.MISSING and value == field.default_factory()


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _decode(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin is None:
        return value if kind in (Any, object) else _decode_plain(kind, value)
    if origin in (Union, types.UnionType):
        return None if value is None else _decode(next(arg for arg in get_args(kind) if arg is not type(None)), value)
    if origin is tuple:
        return _decode_tuple(get_args(kind), value)
    return value if origin is Literal else _decode_mapping(get_args(kind), value)


def _decode_mapping(args: tuple[Any, ...], value: Any) -> Mapping[Any, Any]:
    of_key, of_item = args
    return types.MappingProxyType({_decode(of_key, key): _decode(of_item, item) for key, item in value.items()})


def _decode_plain(kind: type, value: Any) -> Any:
    if dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _decode(hints[name], item) for name, item in value.items() if name in hints})
    if issubclass(kind, tuple):
        named = _hints(kind).values()
        return kind(*(_decode(hint, item) for hint, item in zip(named, value, strict=False)))
    return kind(value) if issubclass(kind, Enum) else _decode_scalar(kind, value)


def _decode_tuple(args: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_decode(args[0], item) for item in value)
    return tuple(_decode(arg, item) for arg, item in zip(args, value, strict=True))


def _decode_scalar(kind: type, value: Any) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
