"""Jobs as JSON and back, by their types. Never pickle: what is read may have been written by anybody."""

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, TypeVar

SCHEMA = 1

D = TypeVar("D")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(time: datetime) -> int:
    """Microseconds since the epoch, exactly."""
    return (time - _EPOCH) // _MICROSECOND


def to_json(record: object) -> str:
    """A dataclass as one line of JSON."""
    return json.dumps({"schema": SCHEMA, **_plain(record)}, separators=(",", ":"), ensure_ascii=False)


def from_json(kind: type[D], text: str) -> D:
    """A dataclass of that type; raises ValueError if the text was written by a newer schema."""
    facts = json.loads(text)
    if facts.pop("schema", None) != SCHEMA:
        raise ValueError(f"the record is not of schema {SCHEMA}")
    record: D = _typed(kind, facts)
    return record


def _plain(value: Any) -> Any:  # noqa: ANN401 - any type goes through here
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return microseconds(value)
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return typing.get_type_hints(kind)


def _typed(kind: Any, value: Any) -> Any:  # noqa: ANN401, PLR0911 - any type goes through here
    origin = typing.get_origin(kind)
    if origin is types.UnionType or origin is typing.Union:
        if value is None:
            return None
        return _typed(next(one for one in typing.get_args(kind) if one is not types.NoneType), value)
    if origin is tuple:
        return tuple(_typed(typing.get_args(kind)[0], one) for one in value)
    if isinstance(kind, type):
        if is_dataclass(kind):
            hints = _hints(kind)
            return kind(**{name: _typed(hints[name], one) for name, one in value.items()})
        if issubclass(kind, Enum):
            return kind(value)
        if issubclass(kind, datetime):
            return _EPOCH + value * _MICROSECOND
        if kind is float:
            return float(value)
    return value
