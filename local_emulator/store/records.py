"""Jobs as JSON and back, by their types. No pickle: a file may have been written by anybody."""

import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from local_emulator.store.kinds import KINDS
from local_emulator.store.times import at, microseconds

SCHEMA = 1

D = TypeVar("D")
Reader = Callable[[Any], Any]

# A member that is not written, since it is made of `request` when the record is read.
_PARSED: Mapping[type, tuple[str, Callable[[Mapping[str, Any]], object]]] = {
    kind.record: (kind.parsed, kind.parse) for kind in KINDS if kind.parsed
}


def to_json(record: object) -> str:
    """A dataclass as one line of JSON."""
    return json.dumps({"schema": SCHEMA, **_members(record)}, separators=(",", ":"), ensure_ascii=False, default=_plain)


def from_json(kind: type[D], text: str) -> D:
    """A dataclass of that type; raises ValueError if the text was written by a newer schema."""
    facts = json.loads(text)
    if facts.pop("schema", None) != SCHEMA:
        raise ValueError(f"the record is not of schema {SCHEMA}")
    reader: Reader = _record_reader(typing.cast("Any", kind))
    record: D = reader(facts)
    return record


def _members(record: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass
    kind: Any = type(record)
    return {name: getattr(record, name) for name in _names(kind)}


@cache
def _names(kind: Any) -> tuple[str, ...]:  # noqa: ANN401 - any dataclass
    parsed, _ = _PARSED.get(kind, (None, None))
    return tuple(member.name for member in fields(kind) if member.name != parsed)


def _plain(value: object) -> object:
    """Convert what json cannot: the members of a dataclass, a time, a mapping that is no dict."""
    if is_dataclass(value):
        return _members(value)
    if isinstance(value, datetime):
        return microseconds(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be a member of a record")


@cache
def _reader(kind: Any) -> Reader | None:  # noqa: ANN401 - any type goes through here
    """The function that makes a value of that type from JSON; None if JSON's value is one already."""
    origin = typing.get_origin(kind)
    if origin is types.UnionType or origin is typing.Union:
        inner = _reader(next(member for member in typing.get_args(kind) if member is not types.NoneType))
        return None if inner is None else lambda value: None if value is None else inner(value)
    if origin is tuple:
        member = _reader(typing.get_args(kind)[0])
        return tuple if member is None else lambda value: tuple(map(member, value))
    if not isinstance(kind, type):
        return None
    if is_dataclass(kind):
        return _record_reader(kind)
    if issubclass(kind, Enum | float):
        return kind
    return at if issubclass(kind, datetime) else None


@cache
def _record_reader(kind: Any) -> Reader:  # noqa: ANN401 - any dataclass
    readers = {name: reader for name, hint in typing.get_type_hints(kind).items() if (reader := _reader(hint)) is not None}
    renamed = {old: member.name for member in fields(kind) if (old := member.metadata.get("formerly")) is not None}
    parsed, parser = _PARSED.get(kind, ("", dict))

    def read(facts: dict[str, Any]) -> object:
        for old in renamed.keys() & facts.keys():
            facts[renamed[old]] = facts.pop(old)
        for name, reader in readers.items():
            if name in facts:
                facts[name] = reader(facts[name])
        if parsed:
            facts[parsed] = parser(facts["request"])
        return kind(**facts)

    return read
