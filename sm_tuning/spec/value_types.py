"""Whether the values of the builders have the types that their annotations declare; a wrong one is a problem like any other.

The walk knows what the builders use: plain values, enumerations, unions, sequences, mappings and dataclasses.
"""

import functools
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NamedTuple

from sm_tuning.errors import Invalid
from sm_tuning.rules.violation import Violation

_NOUNS: Mapping[object, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    types.NoneType: "nothing",
    Sequence: "a list",
    Mapping: "a table",
}


class WrongTypes(Invalid):
    """Values of a wrong type; `problems` holds one for each."""

    def __init__(self, problems: Sequence[Violation]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems

    def in_file(self, path: Path) -> "WrongTypes":
        """The same problems, with the file that holds them in the text."""
        error = WrongTypes(self.problems)
        error.args = (f"{path}: {self}",)
        return error

    def below(self, path: str) -> "WrongTypes":
        """The same problems as seen from the builder that holds this one."""
        return WrongTypes([replace(problem, path=f"{path}.{problem.path}") for problem in self.problems])


def require(builder: object) -> None:
    """Raise WrongTypes for a dataclass whose constructor computes with its values."""
    if wrong := list(problems(builder)):
        raise WrongTypes(wrong)


def problems(builder: object, path: str = "") -> Iterator[Violation]:
    """Every value of a wrong type in a dataclass and in what it holds, named as in Python and TOML."""
    kind: type = type(builder)
    for name, options in _kinds_of(kind):
        yield from _walk(getattr(builder, name), options, f"{path}.{name}" if path else name)


def integral(value: object) -> bool:
    """Whether a value is a whole number; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def paths_as_text(builder: object, *names: str) -> None:
    """Take a Path for the text that a member is declared to be."""
    for name in names:
        if isinstance(path := getattr(builder, name), Path):
            object.__setattr__(builder, name, str(path))


@functools.cache
def hints_of(kind: type) -> Mapping[str, Any]:
    """The annotations of a dataclass's fields."""
    return typing.get_type_hints(kind)


class _Option(NamedTuple):
    """A member of a union, or an annotation that is none: whether a value fits, and the annotations of what is inside it."""

    annotation: Any
    fits: Callable[[object], bool]
    form: object  # Sequence, Mapping, `dataclass`, or None for a plain value
    inner: "tuple[Sequence[_Option], ...]"


@functools.cache
def _kinds_of(kind: type) -> Sequence[tuple[str, Sequence[_Option]]]:
    """Each field of a dataclass and what it may hold; read once, as the walk goes over hundreds of values."""
    hints = hints_of(kind)
    return [(field.name, _parsed(hints[field.name])) for field in fields(kind)]


def _parsed(annotation: Any) -> Sequence[_Option]:  # noqa: ANN401 - an annotation
    return [_option(option) for option in options_of(annotation)]


def _option(annotation: Any) -> _Option:  # noqa: ANN401 - an annotation
    outer = typing.get_origin(annotation) or annotation
    if outer in {Sequence, Mapping}:
        return _Option(annotation, _fitting(outer), outer, tuple(map(_parsed, typing.get_args(annotation))))
    return _Option(annotation, _fitting(outer), dataclass if is_dataclass(outer) else None, ())


def _walk(value: object, options: Sequence[_Option], path: str) -> Iterator[Violation]:
    for option in options:
        if option.fits(value):
            break
    else:
        # What a left-out value means is said by the field's documentation, not here.
        nouns = dict.fromkeys(_noun(option.annotation) for option in options if option.annotation is not types.NoneType)
        yield Violation(path, value, f"it must be {' or '.join(nouns)}", rule="model-type")
        return
    if option.form is dataclass:
        yield from problems(value, path)
    elif option.form is Sequence:
        for index, item in enumerate(typing.cast("Sequence[object]", value)):
            yield from _walk(item, option.inner[0], _item_path(path, index, item))
    elif option.form is Mapping:
        for key, item in typing.cast("Mapping[object, object]", value).items():
            yield from _walk(key, option.inner[0], f"{path} (key)")
            yield from _walk(item, option.inner[1], f"{path}.{key}")


def options_of(kind: Any) -> Sequence[Any]:  # noqa: ANN401 - an annotation
    """The members of a union, or the annotation itself."""
    return typing.get_args(kind) if typing.get_origin(kind) in {typing.Union, types.UnionType} else (kind,)


def _fitting(outer: Any) -> Callable[[object], bool]:  # noqa: ANN401 - an annotation
    """Whether a value is of a type."""
    if outer is int:
        return integral
    if outer is float:
        return lambda value: isinstance(value, Real) and not isinstance(value, bool)
    if outer is Sequence:
        return lambda value: isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return lambda value: isinstance(value, outer)


def _noun(kind: Any) -> str:  # noqa: ANN401 - an annotation
    outer = typing.get_origin(kind) or kind
    if isinstance(outer, type) and issubclass(outer, Enum):
        return f"one of {', '.join(str(member.value) for member in outer)}"
    return _NOUNS.get(outer) or f"a {outer.__name__}"


def _item_path(path: str, index: int, item: object) -> str:
    """Items that have a name go by it."""
    name = getattr(item, "name", None)
    return f"{path}.{name}" if isinstance(name, str) and name else f"{path}[{index}]"
