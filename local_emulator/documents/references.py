"""References in a pipeline's arguments: `{"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}` and the functions around them."""

import json
import re
from collections.abc import Iterator
from typing import Any

JOIN, JSON_GET = "Std:Join", "Std:JsonGet"

_SEGMENT = re.compile(r"\.?(?:([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\])")

Path = tuple[str | int, ...]
"""Names of members and indices of lists, one behind the other."""


def is_function(value: object) -> bool:
    """Whether a value stands for another, known when the pipeline is executed."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in {"Get", JOIN, JSON_GET}


def path_of(text: str) -> Path:
    """The parts of a reference; ValueError if it is none."""
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        match = _SEGMENT.match(text, position)
        if match is None or (text[position] not in ".[" if position else text[0] == "."):
            raise ValueError(f"'{text}' is no reference")
        name, index, single, double = match.groups()
        parts.append(int(index) if index is not None else next(part for part in (name, single, double) if part is not None))
        position = match.end()
    if not parts:
        raise ValueError("a reference is empty")
    return tuple(parts)


def json_path(text: str) -> Path:
    """The parts of the Path of Std:JsonGet, of which `$` is the whole; ValueError if it is none."""
    return path_of(text.removeprefix("$").removeprefix(".")) if text != "$" else ()


def check_text(tree: Any) -> None:  # noqa: ANN401 - JSON
    """Raise ValueError if a value has half a surrogate pair: JSON can say that, and no file or database can keep it."""
    json.dumps(tree, ensure_ascii=False).encode()


def references(tree: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """The text of every Get in a value, whatever it stands in."""
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if set(value) == {"Get"}:
                yield value["Get"] if isinstance(value["Get"], str) else ""
            else:
                waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def steps_of(tree: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """The names of the steps that a value refers to."""
    for text in references(tree):
        root, *rest = path_of(text)
        if root == "Steps" and rest:
            yield str(rest[0])


# --- that they are well formed --------------------------------------------------------------------------------------------------

_COMPARISONS = {"Equals", "NotEquals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo"}


def check_functions(tree: Any) -> None:  # noqa: ANN401 - JSON
    """Raise ValueError if a function in a value is not as it must be."""
    if isinstance(tree, list):
        for value in tree:
            check_functions(value)
    elif isinstance(tree, dict):
        for name, value in tree.items():
            if name in {JOIN, JSON_GET} or (name == "Get" and len(tree) == 1):
                _check_function(name, value)
            check_functions(value)


def _check_function(name: str, argument: Any) -> None:  # noqa: ANN401 - JSON
    if name == "Get":
        sound = isinstance(argument, str)
    elif not isinstance(argument, dict):
        sound = False
    elif name == JOIN:
        sound = isinstance(argument.get("Values"), list) and isinstance(argument.get("On", ""), str)
    else:
        file = argument.get("PropertyFile")
        named = isinstance(file, dict) and isinstance(file.get("Get"), str) and _names_file(file["Get"])
        sound = isinstance(argument.get("Path"), str) and (named if file is not None else "S3Uri" in argument)
        json_path(str(argument.get("Path", "")))
    if not sound:
        raise ValueError(f"{name} has the argument {argument!r}, which is not what it takes")


def _names_file(reference: str) -> bool:
    """Whether a reference is `Steps.STEP.PropertyFiles.NAME`."""
    root, _, word, _ = (*path_of(reference), "", "", "", "")[:4]
    return root == "Steps" and word == "PropertyFiles" and len(path_of(reference)) == 4  # noqa: PLR2004 - its parts


def check_conditions(conditions: Any) -> None:  # noqa: ANN401 - JSON
    """Raise ValueError if conditions are not as they must be."""
    if not isinstance(conditions, list) or not conditions:
        raise ValueError("Conditions is no list of conditions")
    for condition in conditions:
        kind = condition.get("Type") if isinstance(condition, dict) else None
        kind = kind if isinstance(kind, str) else repr(kind)
        if kind == "Not":
            check_conditions([condition.get("Condition")])
        elif kind == "Or":
            check_conditions(condition.get("Conditions"))
        elif kind in {"In", "NotIn"}:
            sound = ("QueryValue" in condition or "Value" in condition) and isinstance(
                condition.get("Values", condition.get("In")), list
            )
            _require(sound, kind, "QueryValue and Values")
        elif kind in _COMPARISONS:
            _require("LeftValue" in condition and "RightValue" in condition, kind, "LeftValue and RightValue")
        else:
            known = ", ".join(sorted({*_COMPARISONS, "In", "NotIn", "Not", "Or"}))
            raise ValueError(f"a condition has the Type {kind!r}; known are {known}")


def _require(sound: bool, kind: str, members: str) -> None:  # noqa: FBT001 - what was found out
    if not sound:
        raise ValueError(f"a condition of Type {kind} needs {members}")
