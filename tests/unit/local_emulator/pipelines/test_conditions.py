from typing import Any

import pytest

from local_emulator.pipelines.conditions import all_hold
from local_emulator.pipelines.values import UndefinedError


def compared(kind: str, left: object, right: object) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (compared("Equals", 1, 1.0), True),
        (compared("Equals", 1, True), False),
        (compared("Equals", "1", 1), False),
        (compared("NotEquals", "a", "b"), True),
        (compared("GreaterThan", 2, 1.5), True),
        (compared("GreaterThan", 1.5, 1.5), False),
        (compared("GreaterThanOrEqualTo", 1.5, 1.5), True),
        (compared("LessThan", 1, 2), True),
        (compared("LessThanOrEqualTo", 3, 2), False),
        (compared("LessThan", "a", "b"), True),
        ({"Type": "In", "QueryValue": "a", "Values": ["b", "a"]}, True),
        ({"Type": "In", "QueryValue": 2, "Values": ["2"]}, False),
        ({"Type": "NotIn", "Value": "a", "In": ["b"]}, True),
        ({"Type": "Not", "Condition": compared("Equals", 1, 2)}, True),
        ({"Type": "Or", "Conditions": [compared("Equals", 1, 2), compared("Equals", 1, 1)]}, True),
        ({"Type": "Or", "Conditions": [compared("Equals", 1, 2)]}, False),
    ],
)
def test_conditions(condition: dict[str, Any], *, holds: bool) -> None:
    assert all_hold([condition]) is holds
    assert all_hold([condition, compared("Equals", 1, 2)]) is False


@pytest.mark.parametrize(("left", "right"), [("0.9", 0.5), (True, 0), (None, 1), ([], 1)])
def test_what_cannot_be_compared_is_told(left: object, right: object) -> None:
    with pytest.raises(UndefinedError, match="GreaterThan compares two numbers or two texts"):
        all_hold([compared("GreaterThan", left, right)])
