"""Which calls a policy allows: moto's evaluation of actions and resources, and of conditions what the templates use."""

import fnmatch
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One call as IAM sees it: `context` holds the condition keys that come with it."""

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


def allowed(statements: Sequence[Statement], call: Call) -> bool:
    """Whether these statements alone allow a call."""
    holding = [{**statement, "Condition": {}} for statement in statements if _holds(statement.get("Condition", {}), call.context)]
    for statement in holding:
        del statement["Condition"]
    if not holding:
        return False
    policy = IAMPolicy({"policy_document": json.dumps({"Version": "2012-10-17", "Statement": holding})})
    return policy.is_action_permitted(call.action, call.resource) is PermissionResult.PERMITTED


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, tuple[str, ...]]) -> bool:
    return all(
        _OPERATORS[operator](context.get(key, ()), _several(wanted))
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _several(wanted: Any) -> list[str]:
    return [str(value) for value in wanted] if isinstance(wanted, list) else [str(wanted)]


def _like(value: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns)


_Operator = Callable[[tuple[str, ...], list[str]], bool]
_OPERATORS: Mapping[str, _Operator] = {
    "StringEquals": lambda given, wanted: bool(given) and given[0] in wanted,
    "ArnEquals": lambda given, wanted: bool(given) and given[0] in wanted,
    "StringLike": lambda given, wanted: bool(given) and _like(given[0], wanted),
    "ForAllValues:StringLike": lambda given, wanted: all(_like(value, wanted) for value in given),
    "NumericLessThanEquals": lambda given, wanted: bool(given) and float(given[0]) <= float(wanted[0]),
    "Null": lambda given, wanted: (not given) == (wanted[0] == "true"),
    "Bool": lambda given, wanted: bool(given) and given[0] == wanted[0],
}
