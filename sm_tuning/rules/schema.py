"""The rules of single members, out of botocore's model of a request: in AWS's words and order."""

import functools
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

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
_NAME = re.compile(r"\^?\[a-zA-Z0-9\]\(-\*\[a-zA-Z0-9\]\)(\*|\{0,\d+\})\$?")  # AWS's pattern of names
_NESTED = {"structure", "map", "list"}
_SIZED, _NUMBERS = (str, list, dict), (int, float)  # no `str | list`: that is made anew each time
_SOUND = {kind: frozenset(kinds) - {float} for kind, (kinds, _, _) in _KINDS.items()}  # a float may be no number


class Member(NamedTuple):
    """A value and the shape that it must have; `step` is its name in the structure or map, or its index in the list, that holds it.

    A key of a map has no step. Paths are made of steps when they are asked for: few members are broken.
    """

    shape: Any
    value: Any
    parent: "Member | None" = None
    step: str | int | None = None

    @property
    def kind(self) -> str:
        """The name of its type in the model."""
        kind: str = self.shape.type_name
        return kind

    @property
    def path(self) -> str:
        """Where it is in the request."""
        if self.parent is None:
            return ""
        if self.step is None:
            return f"{self.parent.path} (key)"
        if isinstance(self.step, int):
            return f"{self.parent.path}[{self.step}]"
        return f"{self.parent.path}.{self.step}" if self.parent.parent else self.step

    @property
    def label(self) -> str:
        """Its path as AWS's messages spell it."""
        if self.parent is None or self.step is None:
            return ""
        if isinstance(self.step, int):
            return f"{self.parent.label}.{self.step + 1}.member"
        return self.parent.named(self.step)[1] if self.parent.kind == "structure" else f"{self.parent.label}.{self.step}.member"

    def parts(self) -> Sequence[tuple[Any, Any, str | int]]:
        """Shape, value and step of what is inside it; what the model does not know, and null, is as good as absent."""
        shape, kind = self.shape, self.kind
        if kind == "structure":
            shapes = shape.members
            return [(shapes[name], value, name) for name, value in self.value.items() if name in shapes and value is not None]
        if kind == "list":
            return [(shape.member, value, index) for index, value in enumerate(self.value)]
        if kind == "map":
            return [(shape.value, value, name) for name, value in self.value.items() if value is not None]
        return ()

    def named(self, name: str) -> tuple[str, str]:
        """Path and label of a member of a structure."""
        lower = name[0].lower() + name[1:]
        return (f"{self.path}.{name}", f"{self.label}.{lower}") if self.parent else (name, lower)

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


def type_violations(name: str, body: Mapping[str, Any]) -> Sequence[Violation]:
    """Members of an operation's request that have a wrong type."""
    shape = operation(name).input_shape
    return [] if shape is None else _wrong_types(Member(shape, body))


def violations(name: str, body: Mapping[str, Any]) -> Sequence[Violation]:
    """What else the model forbids in a request whose types are right."""
    shape = operation(name).input_shape
    return [] if shape is None else _broken_constraints(Member(shape, body))


def known(shape: "Shape | None", value: Any) -> Any:  # noqa: ANN401 - JSON
    """A value of the right type without what the model does not know, and without nulls."""
    if shape is None:
        return {}
    kind, model = shape.type_name, cast("Any", shape)
    if kind == "structure":
        shapes = model.members
        return {name: known(shapes[name], item) for name, item in value.items() if name in shapes and item is not None}
    if kind == "list":
        return [known(model.member, item) for item in value]
    if kind == "map":
        return {name: known(model.value, item) for name, item in value.items() if item is not None}
    return value


# A request has thousands of members, nearly all of them sound: they are made lists of, not yielded, and a Member only where there is
# more to do than to look at its value.


def _wrong_types(member: Member) -> list[Violation]:
    if type(member.value) not in _SOUND.get(member.kind, ()) and (wrong := list(TYPES.violations(member))):
        return wrong
    return [
        violation
        for shape, value, step in member.parts()
        if shape.type_name in _NESTED or type(value) not in _SOUND.get(shape.type_name, ())
        for violation in _wrong_types(Member(shape, value, member, step))
    ]


def _broken_constraints(member: Member) -> list[Violation]:
    """Violations of a structure, a list or a map, and of what is inside it."""
    broken, parts = _broken(member), member.parts()
    if member.kind == "map":
        broken += _of_entries(member, "keys", [(member.shape.key, name, None) for name in member.value])
        if member.shape.value.type_name not in _NESTED:
            return broken + _of_entries(member, "value", parts)
    for shape, value, step in parts:
        if shape.type_name in _NESTED:
            broken += _broken_constraints(Member(shape, value, member, step))
        elif not _sound(shape, value):
            broken += _broken(Member(shape, value, member, step))
    return broken


def _of_entries(member: Member, word: str, entries: Sequence[tuple[Any, Any, Any]]) -> list[Violation]:
    """Violations of keys or scalar values of a map: AWS's sentence holds the map, and all constraints of its keys or values."""
    unsound = [Member(shape, value, member, step) for shape, value, step in entries if not _sound(shape, value)]
    if not unsound:
        return []
    sentence = member.violation("", f"Map {word} must satisfy constraint: [{', '.join(_all(unsound[0].shape))}]").sentence
    return [replace(violation, sentence=sentence) for entry in unsound for violation in _broken(entry)]


def _broken(member: Member) -> list[Violation]:
    return [] if _sound(member.shape, member.value) else list(CONSTRAINTS.violations(member))


def _sound(shape: "Shape", value: object) -> bool:
    """Whether a value breaks none of the constraints of its own shape."""
    for holds, stated in _stated(shape):  # noqa: SIM110 - a generator would take as long again
        if not holds(stated, value):
            return False
    return True


@functools.cache
def _stated(shape: "Shape") -> Sequence[tuple[Callable[[Any, Any], bool], Any]]:
    """What the model states of a shape, and the function that says whether it holds for a value."""
    stated: Mapping[str, Any] = shape.metadata
    return [(holds, stated[word]) for word, holds in _HOLDS.items() if word in stated]


def _all(shape: "Shape") -> Iterator[str]:
    """Every constraint of a map's keys or values, in AWS's order."""
    if (high := shape.metadata.get("max")) is not None:
        yield f"Member must have length less than or equal to {high}"
    yield f"Member must have length greater than or equal to {shape.metadata.get('min', 0)}"
    if (pattern := shape.metadata.get("pattern")) is not None:
        yield f"Member must satisfy regular expression pattern: {pattern}"


# --- the rules ------------------------------------------------------------------------------------------------------------


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


def _size(value: object) -> float | None:
    """What the bounds of a member bound; None for what has none."""
    if isinstance(value, _SIZED):
        return len(value)
    return value if isinstance(value, _NUMBERS) and not isinstance(value, bool) else None


def _at_most(high: float, value: object) -> bool:
    return (size := _size(value)) is None or size <= high


def _at_least(low: float, value: object) -> bool:
    return (size := _size(value)) is None or size >= low


def _matches(pattern: str, value: object) -> bool:
    return not isinstance(value, str) or compiled(pattern).fullmatch(value) is not None


def _is_known(values: Sequence[str], value: object) -> bool:
    return not values or value in values


def _has_all(names: Sequence[str], value: Mapping[str, Any]) -> bool:
    return all(value.get(name) is not None for name in names)


_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "required": _has_all,
    "max": _at_most,
    "min": _at_least,
    "pattern": _matches,
    "enum": _is_known,
}


@CONSTRAINTS.rule("model-required", "a required member is there")
def _required(member: Member) -> Sequence[Violation]:
    names = member.shape.metadata.get("required", ())
    missing = [member.named(name) for name in names if not _has_all([name], member.value)]
    constraint = "failed to satisfy constraint: Member must not be null"
    return [Violation(path, None, "it is required", f"Value null at '{label}' {constraint}") for path, label in missing]


@CONSTRAINTS.rule("model-max", "length, count or value is not above its bound")
def _max(member: Member) -> Iterator[Violation]:
    high = member.shape.metadata.get("max")
    if high is not None and not _at_most(high, member.value):
        yield member.violation(
            f"it must {_measured(member, f'at most {high}')}", f"{_bounded(member)} less than or equal to {high}"
        )


@CONSTRAINTS.rule("model-min", "length, count or value is not below its bound")
def _min(member: Member) -> Iterator[Violation]:
    low = member.shape.metadata.get("min")
    if low is not None and not _at_least(low, member.value):
        at_least = _measured(member, f"at least {low}")
        yield member.violation(f"it must {at_least}", f"{_bounded(member)} greater than or equal to {low}")


@CONSTRAINTS.rule("model-pattern", "a string matches its pattern")
def _pattern(member: Member) -> Iterator[Violation]:
    pattern = member.shape.metadata.get("pattern")
    if pattern is not None and not _matches(pattern, member.value):
        words = ": letters, digits and hyphens, no hyphen first or last" if _NAME.fullmatch(pattern) else ""
        rule = f"it must match {pattern}{words}"
        yield member.violation(rule, f"Member must satisfy regular expression pattern: {pattern}")


@CONSTRAINTS.rule("model-enum", "a value is one of those known")
def _enum(member: Member) -> Iterator[Violation]:
    values = member.shape.metadata.get("enum", ())
    if not _is_known(values, member.value):
        some = ", ".join(values[:_SHOWN]) + (", …" if len(values) > _SHOWN else "")
        constraint = f"Member must satisfy enum value set: [{', '.join(in_order_of_aws(tuple(values)))}]"
        yield member.violation(f"it must be one of {some}", constraint)


def _measured(member: Member, bound: str) -> str:
    units = {str: " characters", list: " members", dict: " entries"}
    unit = next((unit for kind, unit in units.items() if isinstance(member.value, kind)), "")
    return f"have {bound}{unit}" if unit else f"be {bound}"


def _bounded(member: Member) -> str:
    return f"Member must have {'length' if isinstance(member.value, _SIZED) else 'value'}"


@functools.cache
def compiled(pattern: str) -> "re.Pattern[str]":
    r"""A pattern of botocore's model. Python's `re` knows no Unicode properties and no pairs of surrogates, and repeats no `$`.

    Where the model has `\p{L}` it has `\p{N}` and the underscore too, which together are `\w`.
    """
    separators = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    for name, characters in {"L": r"\w", "N": r"\d", "Z": separators, "Alnum": "a-zA-Z0-9"}.items():
        pattern = pattern.replace(rf"\p{{{name}}}", characters)
    for name in "MSP":
        if rf"\p{{{name}}}" in pattern:
            pattern = pattern.replace(rf"\p{{{name}}}", _characters(name))
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff")
    return re.compile(re.sub(r"\$\{\d+,\d+\}", "$", pattern))


@functools.cache
def _characters(category: str) -> str:
    """The marks (M), symbols (S) or punctuation (P) of the basic plane, as in a set of `re`; all of the other planes are symbols."""
    plane = map(chr, range(0x10000))
    characters = "".join(re.escape(char) for char in plane if unicodedata.category(char).startswith(category))
    return characters + ("\U00010000-\U0010ffff" if category == "S" else "")


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
