"""What the conditions of a Condition step come to."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local_emulator.pipelines.values import UndefinedError

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def all_hold(conditions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all conditions hold, their functions replaced by values; raises UndefinedError for what cannot be compared."""
    return all(map(_holds, conditions))


def _holds(condition: Mapping[str, Any]) -> bool:
    kind: str = condition["Type"]
    if kind == "Not":
        return not _holds(condition["Condition"])
    if kind == "Or":
        return any(map(_holds, condition["Conditions"]))
    if kind in {"In", "NotIn"}:
        value, others = condition.get("QueryValue", condition.get("Value")), condition.get("Values", condition.get("In"))
        return any(_equal(value, other) for other in others or ()) == (kind == "In")
    return _compares(kind, condition["LeftValue"], condition["RightValue"])


def _compares(kind: str, left: object, right: object) -> bool:
    if kind in {"Equals", "NotEquals"}:
        return _equal(left, right) == (kind == "Equals")
    if not (_is_number(left) and _is_number(right)) and not (isinstance(left, str) and isinstance(right, str)):
        raise UndefinedError(f"{kind} compares two numbers or two texts, not {left!r} with {right!r}")
    return _ORDER[kind](left, right)


def _equal(left: object, right: object) -> bool:
    """Whether two values are the same; 1 and 1.0 are, 1 and true or '1' are not."""
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
