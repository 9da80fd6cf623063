"""Requests against botocore's own model: every bound, pattern and enum, all violations told at once in AWS's words."""

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import regex
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape

from local_emulator.domain.errors import SerializationException, ValidationException
from local_emulator.domain.jobs import Document

_BUCKETS = 32
_KINDS = {
    "string": (str, "a String"),
    "integer": (int, "an Integer"),
    "long": (int, "a Long"),
    "float": (float, "a Float"),
    "double": (float, "a Double"),
    "boolean": (bool, "a Boolean"),
    "structure": (dict, "an Object"),
    "map": (dict, "a Map"),
    "list": (list, "a List"),
    "timestamp": (float, "a Timestamp"),
}
_JSON_NAMES = {str: "STRING_VALUE", bool: "BOOLEAN_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE"}


@functools.cache
def service() -> ServiceModel:
    """The model of SageMaker that botocore ships, read once."""
    return ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")


def operation(name: str) -> OperationModel:
    """One operation of the model."""
    return service().operation_model(name)


def checked(name: str, body: Mapping[str, Any]) -> Document:
    """The body without members that the model does not know; raises AWS's errors for what it does not allow."""
    shape = operation(name).input_shape
    if shape is None:
        return {}
    clean = _typed(shape, body, "")
    problems = list(_violations(shape, clean, ""))
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        raise ValidationException(f"{len(problems)} validation {noun} detected: {'; '.join(problems)}")
    result: Document = clean
    return result


# --- types ----------------------------------------------------------------------------------------------------------------


def _typed(shape: Shape, value: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    kind, noun = _KINDS.get(shape.type_name, (object, "a value"))
    if not _is(value, kind):
        said = _JSON_NAMES.get(type(value), "START_OBJECT" if isinstance(value, dict) else "START_ARRAY")
        raise SerializationException(f"{said} can not be converted to {noun}" + (f" (at '{path}')" if path else ""))
    if isinstance(shape, StructureShape):
        return {
            name: _typed(shape.members[name], one, _join(path, name))
            for name, one in value.items()
            if name in shape.members and one is not None
        }
    if isinstance(shape, ListShape):
        return [_typed(shape.member, one, f"{path}.{place}.member") for place, one in enumerate(value, 1)]
    if isinstance(shape, MapShape):
        return {name: _typed(shape.value, one, f"{path}.{name}.member") for name, one in value.items() if one is not None}
    if kind is float and not math.isfinite(value):
        raise SerializationException(f"{value} can not be converted to {noun} (at '{path}')")
    return value


def _is(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return kind in {bool, object}
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)


def _join(path: str, member: str) -> str:
    lower = member[0].lower() + member[1:]
    return f"{path}.{lower}" if path else lower


# --- bounds ---------------------------------------------------------------------------------------------------------------


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if name not in value:
                yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
        for name, one in value.items():
            yield from _violations(shape.members[name], one, _join(path, name))
        return
    for constraint in _constraints(shape, value):
        yield f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: {constraint}"
    if isinstance(shape, ListShape):
        for place, one in enumerate(value, 1):
            yield from _violations(shape.member, one, f"{path}.{place}.member")
    elif isinstance(shape, MapShape):
        yield from _map_violations(shape, value, path)


def _map_violations(shape: MapShape, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for part, word, members in ((shape.key, "keys", value.keys()), (shape.value, "value", value.values())):
        if isinstance(part, StructureShape | ListShape | MapShape):
            for name, one in value.items():
                yield from _violations(part, one, f"{path}.{name}.member")
        elif any(any(_constraints(part, one)) for one in members):
            constraint = f"Map {word} must satisfy constraint: [{', '.join(_all(part))}]"
            yield f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: {constraint}"


def _constraints(shape: Shape, value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """The constraints of the shape itself that a value breaks."""
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    sized = isinstance(value, str | list | dict)
    size = len(value) if sized else value
    noun = "length" if sized else "value"
    if isinstance(value, int | float | str | list | dict) and not isinstance(value, bool):
        if high is not None and size > high:
            yield f"Member must have {noun} less than or equal to {high}"
        if low is not None and size < low:
            yield f"Member must have {noun} greater than or equal to {low}"
    if isinstance(value, str):
        pattern = shape.metadata.get("pattern")
        if pattern is not None and not _compiled(pattern).fullmatch(value):
            yield f"Member must satisfy regular expression pattern: {pattern}"
        values = shape.enum if isinstance(shape, StringShape) else []
        if values and value not in values:
            yield f"Member must satisfy enum value set: [{', '.join(_in_order_of_aws(tuple(values)))}]"


def _all(shape: Shape) -> Sequence[str]:
    """Every constraint of a map's keys or values, in AWS's order."""
    found = []
    if (high := shape.metadata.get("max")) is not None:
        found.append(f"Member must have length less than or equal to {high}")
    if (low := shape.metadata.get("min", 0)) is not None:
        found.append(f"Member must have length greater than or equal to {low}")
    if (pattern := shape.metadata.get("pattern")) is not None:
        found.append(f"Member must satisfy regular expression pattern: {pattern}")
    return found


@functools.cache
def _compiled(pattern: str) -> "regex.Pattern[str]":
    return regex.compile(pattern)


@functools.cache
def _in_order_of_aws(values: tuple[str, ...]) -> Sequence[str]:
    """An enum's values as AWS prints them: by Java's hash of each in 32 buckets, the last declared first in a bucket.

    Four recorded sets of instance types (26 to 65 values) and that of TrainingInputMode come out exactly so.
    """
    return sorted(values, key=lambda value: (_java_hash(value) % _BUCKETS, -values.index(value)))


def _java_hash(text: str) -> int:
    value = 0
    for character in text:
        value = 31 * value + ord(character)
    return value


def _shown(value: object) -> str:
    """A value as Java prints it, whole."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={_shown(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
