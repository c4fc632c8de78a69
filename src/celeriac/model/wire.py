"""Values to and from JSON, guided by their type hints: one codec for rows, files and the transport."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from celeriac.errors import WireError

T = TypeVar("T")
_Decode = Callable[[Any], Any]


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
        read: Callable[[Any], T] = _decoder(cast("Any", kind))
        return read(value)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise WireError(f"not a {kind.__name__}: {error}") from error


def _at_default(field: dataclasses.Field[Any], value: object) -> bool:
    if field.default is not dataclasses.MISSING:
        return bool(value == field.default)
    return field.default_factory is not dataclasses.MISSING and value == field.default_factory()


@cache
def _decoder(kind: Any) -> _Decode:
    """How a `kind` is read: worked out once, for values come by the thousand."""
    origin = get_origin(kind)
    if origin is None:
        return _as_it_is if kind in (Any, object) else _plain(kind)
    if origin in (Union, types.UnionType):
        some = _decoder(next(arg for arg in get_args(kind) if arg is not type(None)))
        return lambda value: None if value is None else some(value)
    if origin is tuple:
        return _tuple(get_args(kind))
    return _as_it_is if origin is Literal else _mapping(*get_args(kind))


@cache
def _fields(kind: type) -> dict[str, _Decode]:
    return {name: _decoder(hint) for name, hint in get_type_hints(kind).items()}


def _as_it_is(value: Any) -> Any:
    return value


def _mapping(of_key: Any, of_item: Any) -> _Decode:
    key_of, item_of = _decoder(of_key), _decoder(of_item)
    return lambda value: types.MappingProxyType({key_of(key): item_of(item) for key, item in value.items()})


def _plain(kind: type) -> _Decode:
    if dataclasses.is_dataclass(kind):
        return lambda value: _of_fields(kind, value)
    if issubclass(kind, tuple):
        return lambda value: kind(*(read(item) for read, item in zip(_fields(kind).values(), value, strict=False)))
    return kind if issubclass(kind, Enum) else _scalar(kind)


def _of_fields(kind: type, value: Any) -> Any:
    known = _fields(kind)
    return kind(**{name: known[name](item) for name, item in value.items() if name in known})


def _tuple(args: tuple[Any, ...]) -> _Decode:
    readers = [_decoder(arg) for arg in args if arg is not Ellipsis]
    if len(args) == 2 and args[1] is Ellipsis:
        return lambda value: tuple(map(readers[0], value))
    return lambda value: tuple(read(item) for read, item in zip(readers, value, strict=True))


def _scalar(kind: type) -> _Decode:
    def read(value: Any) -> Any:
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if not isinstance(value, kind):
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value

    return read
