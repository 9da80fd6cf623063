"""JSONPath, as far as DataProcessing has it: `$`, `.name`, `['name', …]`, `[0, …]`, `[1:3]`, `*`."""

import re
from collections.abc import Callable, Sequence
from typing import Any

_TOKEN = re.compile(
    r"\.(?P<name>[A-Za-z_][\w\-]*)"
    r"|\.(?P<any>\*)"
    r"|\[\s*(?P<star>\*)\s*\]"
    r"|\[\s*(?P<names>(?:'[^']*'|\"[^\"]*\")(?:\s*,\s*(?:'[^']*'|\"[^\"]*\"))*)\s*\]"
    r"|\[\s*(?P<slice>-?\d*\s*:\s*-?\d*)\s*\]"
    r"|\[\s*(?P<indices>-?\d+(?:\s*,\s*-?\d+)*)\s*\]"
)

Step = Callable[[Any], Sequence[Any]]


class PathError(ValueError):
    """A text is no path of that kind; the message says where."""


class Path:
    """A path into a record. Raises PathError."""

    def __init__(self, text: str) -> None:
        if not text.startswith("$"):
            raise PathError(f"{text!r} must begin with $")
        self._steps: list[tuple[Step, bool]] = []
        position = 1
        while position < len(text):
            token = _TOKEN.match(text, position)
            if token is None:
                raise PathError(f"{text!r} cannot be read from {text[position:]!r} on")
            self._steps.append(_step(token))
            position = token.end()
        self._several = any(several for _, several in self._steps)

    def apply(self, record: Any) -> Any:  # noqa: ANN401 - JSON
        """What the path leads to: a value, or a list of those that a part with several names, numbers or `*` leads to.

        Raises LookupError if there is nothing.
        """
        values: Sequence[Any] = [record]
        for step, _ in self._steps:
            values = [inner for value in values for inner in step(value)]
        if self._several:
            return list(values)
        if not values:
            raise LookupError("the path leads to nothing")
        return values[0]


def _step(token: "re.Match[str]") -> tuple[Step, bool]:
    """A step, and whether it leads to several values."""
    if (name := token["name"]) is not None:
        return lambda value: [value[name]] if isinstance(value, dict) and name in value else [], False
    if token["any"] or token["star"]:
        return _all, True
    if (names := token["names"]) is not None:
        keys = [single or double for single, double in re.findall(r"'([^']*)'|\"([^\"]*)\"", names)]
        return lambda value: [value[key] for key in keys if isinstance(value, dict) and key in value], len(keys) > 1
    if (bounds := token["slice"]) is not None:
        begin, end = (int(bound) if bound.strip() else None for bound in bounds.split(":"))
        return lambda value: value[begin:end] if isinstance(value, list) else [], True
    indices = [int(index) for index in token["indices"].split(",")]
    return lambda value: [value[index] for index in indices if _has(value, index)], len(indices) > 1


def _all(value: Any) -> Sequence[Any]:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _has(value: Any, index: int) -> bool:  # noqa: ANN401 - JSON
    return isinstance(value, list) and -len(value) <= index < len(value)
