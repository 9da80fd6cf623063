"""The rules of single members, out of botocore's model of a request: in AWS's words and order."""

import functools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from sm_tuning.rules.registry import Section
from sm_tuning.rules.violation import Violation

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel, Shape

_BUCKETS = 32
_SHOWN = 12  # values of an enum in a requirement
_KINDS: Mapping[str, tuple[tuple[type, ...], str, str]] = {
    "string": ((str,), "a String", "a string"),
    "integer": ((int,), "an Integer", "a whole number"),
    "long": ((int,), "a Long", "a whole number"),
    "float": ((int, float), "a Float", "a number"),
    "double": ((int, float), "a Double", "a number"),
    "timestamp": ((int, float), "a Timestamp", "a time"),
    "boolean": ((bool,), "a Boolean", "true or false"),
    "structure": ((dict,), "an Object", "a table"),
    "map": ((dict,), "a Map", "a table"),
    "list": ((list,), "a List", "a list"),
}
_JSON_NAMES = {str: "STRING_VALUE", bool: "BOOLEAN_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE", dict: "START_OBJECT"}
_NESTED = {"structure", "map", "list"}


class Member(NamedTuple):
    """A value and the shape that it must have. `label` is its path as AWS's messages spell it."""

    shape: Any
    value: Any
    path: str = ""
    label: str = ""

    @property
    def kind(self) -> str:
        """The name of its type in the model."""
        kind: str = self.shape.type_name
        return kind

    def below(self) -> Iterator["Member"]:
        """Values inside it that are members themselves; what the model does not know, and null, is as good as absent."""
        if self.kind == "structure":
            for name, value in self.value.items():
                if name in self.shape.members and value is not None:
                    yield Member(self.shape.members[name], value, *self.named(name))
        elif self.kind == "list":
            for index, value in enumerate(self.value):
                yield Member(self.shape.member, value, f"{self.path}[{index}]", f"{self.label}.{index + 1}.member")
        elif self.kind == "map":
            for name, value in self.value.items():
                if value is not None:
                    yield Member(self.shape.value, value, f"{self.path}.{name}", f"{self.label}.{name}.member")

    def named(self, name: str) -> tuple[str, str]:
        """Path and label of a member of a structure."""
        lower = name[0].lower() + name[1:]
        return (f"{self.path}.{name}", f"{self.label}.{lower}") if self.path else (name, lower)

    def violation(self, requirement: str, constraint: str) -> Violation:
        """That it breaks a constraint."""
        sentence = f"Value '{_shown(self.value)}' at '{self.label}' failed to satisfy constraint: {constraint}"
        return Violation(self.path, self.value, requirement, sentence)


TYPES: Section[Member] = Section("Members")
CONSTRAINTS: Section[Member] = Section(
    "Members",
    "Each member's type, bounds, pattern and known values come from botocore's model, so they are those of the installed botocore.",
)


@functools.cache
def service() -> "ServiceModel":
    """The model of SageMaker that botocore ships, read once."""
    from botocore import loaders, model  # noqa: PLC0415 - a tenth of a second that describing a job need not pay

    return model.ServiceModel(loaders.Loader().load_service_model("sagemaker", "service-2"), "sagemaker")


def operation(name: str) -> "OperationModel":
    """One operation of the model."""
    return service().operation_model(name)


def type_violations(name: str, body: Mapping[str, Any]) -> Iterator[Violation]:
    """Members of an operation's request that have a wrong type."""
    if (shape := operation(name).input_shape) is not None:
        yield from _wrong_types(Member(shape, body))


def violations(name: str, body: Mapping[str, Any]) -> Iterator[Violation]:
    """What else the model forbids in a request whose types are right."""
    if (shape := operation(name).input_shape) is not None:
        yield from _broken_constraints(Member(shape, body))


def known(shape: "Shape | None", value: Any) -> Any:  # noqa: ANN401 - JSON
    """A value of the right type without what the model does not know, and without nulls."""
    if shape is None:
        return {}
    member = Member(shape, value)
    if member.kind == "structure":
        pairs = ((name, item) for name, item in value.items() if name in member.shape.members and item is not None)
        return {name: known(member.shape.members[name], item) for name, item in pairs}
    if member.kind == "list":
        return [known(member.shape.member, item) for item in value]
    if member.kind == "map":
        return {name: known(member.shape.value, item) for name, item in value.items() if item is not None}
    return value


def _wrong_types(member: Member) -> Iterator[Violation]:
    wrong = list(TYPES.violations(member))
    yield from wrong
    if not wrong:
        for inner in member.below():
            yield from _wrong_types(inner)


def _broken_constraints(member: Member) -> Iterator[Violation]:
    yield from CONSTRAINTS.violations(member)
    if member.kind == "map":
        yield from _entries(member, "keys", member.shape.key)
    if member.kind == "map" and member.shape.value.type_name not in _NESTED:
        yield from _entries(member, "value", member.shape.value)
    elif member.kind in _NESTED:
        for inner in member.below():
            yield from _broken_constraints(inner)


def _entries(member: Member, word: str, shape: "Shape") -> Iterator[Violation]:
    """Keys or scalar values of a map: AWS's sentence holds the map, and all constraints of its keys or values."""
    sentence = member.violation("", f"Map {word} must satisfy constraint: [{', '.join(_all(shape))}]").sentence
    keys = (Member(shape, name, f"{member.path} (key)") for name in member.value)
    for entry in keys if word == "keys" else member.below():
        yield from (replace(violation, sentence=sentence) for violation in CONSTRAINTS.violations(entry))


def _all(shape: "Shape") -> Iterator[str]:
    """Every constraint of a map's keys or values, in AWS's order."""
    if (high := shape.metadata.get("max")) is not None:
        yield f"Member must have length less than or equal to {high}"
    yield f"Member must have length greater than or equal to {shape.metadata.get('min', 0)}"
    if (pattern := shape.metadata.get("pattern")) is not None:
        yield f"Member must satisfy regular expression pattern: {pattern}"


# --- the rules ------------------------------------------------------------------------------------------------------------


# A request has thousands of members: what returns at once costs a third of what yields.


@TYPES.rule("model-type", "a string is a string, a number a number; for an argument of Python too, before there is a request")
def _type(member: Member) -> Sequence[Violation]:
    value = member.value
    kinds, noun, plain = _KINDS.get(member.kind, ((object, bool), "a value", "a value"))
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        named = _JSON_NAMES.get(type(value), "START_ARRAY")
    elif isinstance(value, float) and not math.isfinite(value):
        named = str(value)
    else:
        return ()
    at = f" (at '{member.label}')" if member.label else ""
    return [Violation(member.path, value, f"it must be {plain}", f"{named} can not be converted to {noun}{at}")]


@CONSTRAINTS.rule("model-required", "a required member is there")
def _required(member: Member) -> Sequence[Violation]:
    if member.kind != "structure":
        return ()
    missing = [member.named(name) for name in member.shape.required_members if member.value.get(name) is None]
    constraint = "failed to satisfy constraint: Member must not be null"
    return [Violation(path, None, "it is required", f"Value null at '{label}' {constraint}") for path, label in missing]


@CONSTRAINTS.rule("model-max", "length, count or value is not above its bound")
def _max(member: Member) -> Sequence[Violation]:
    high = member.shape.metadata.get("max")
    if high is None or (size := _size(member)) is None or size <= high:
        return ()
    return [
        member.violation(f"it must {_measured(member, f'at most {high}')}", f"{_bounded(member)} less than or equal to {high}")
    ]


@CONSTRAINTS.rule("model-min", "length, count or value is not below its bound")
def _min(member: Member) -> Sequence[Violation]:
    low = member.shape.metadata.get("min")
    if low is None or (size := _size(member)) is None or size >= low:
        return ()
    return [
        member.violation(f"it must {_measured(member, f'at least {low}')}", f"{_bounded(member)} greater than or equal to {low}")
    ]


@CONSTRAINTS.rule("model-pattern", "a string matches its pattern")
def _pattern(member: Member) -> Sequence[Violation]:
    pattern = member.shape.metadata.get("pattern")
    if pattern is None or not isinstance(member.value, str) or compiled(pattern).fullmatch(member.value):
        return ()
    return [member.violation(f"it must match {pattern}", f"Member must satisfy regular expression pattern: {pattern}")]


@CONSTRAINTS.rule("model-enum", "a value is one of those known")
def _enum(member: Member) -> Sequence[Violation]:
    values = member.shape.metadata.get("enum", ())
    if not values or member.value in values:
        return ()
    some = ", ".join(values[:_SHOWN]) + (", …" if len(values) > _SHOWN else "")
    constraint = f"Member must satisfy enum value set: [{', '.join(in_order_of_aws(tuple(values)))}]"
    return [member.violation(f"it must be one of {some}", constraint)]


def _size(member: Member) -> float | None:
    """What the bounds of a member bound; None for what has none."""
    if isinstance(member.value, str | list | dict):
        return len(member.value)
    return member.value if isinstance(member.value, int | float) and not isinstance(member.value, bool) else None


def _measured(member: Member, bound: str) -> str:
    units = {str: " characters", list: " members", dict: " entries"}
    unit = next((unit for kind, unit in units.items() if isinstance(member.value, kind)), "")
    return f"have {bound}{unit}" if unit else f"be {bound}"


def _bounded(member: Member) -> str:
    return f"Member must have {'length' if isinstance(member.value, str | list | dict) else 'value'}"


@functools.cache
def compiled(pattern: str) -> "re.Pattern[str]":
    r"""A pattern of botocore's model. Python's `re` knows no Unicode properties.

    Where the model has `\p{L}` it has `\p{N}` and the underscore too, which together are `\w`.
    """
    separators = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    for name, characters in {"L": r"\w", "N": r"\d", "Z": separators, "Alnum": "a-zA-Z0-9"}.items():
        pattern = pattern.replace(rf"\p{{{name}}}", characters)
    return re.compile(pattern)


@functools.cache
def in_order_of_aws(values: tuple[str, ...]) -> Sequence[str]:
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
        return "{" + ", ".join(f"{name}={_shown(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
