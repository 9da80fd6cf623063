"""IAM's evaluation of identity policies, pure: documents, an action, a resource and the request's context in, a decision out.

moto has no simulation, and its access control ignores NotResource and denies what a condition does not match. Here Deny
beats Allow, a permissions boundary bounds, and a statement counts only if each of its conditions holds.
"""

import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

Policy = Mapping[str, Any]
Statement = Mapping[str, Any]
Context = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Decision:
    """`allowed`, `explicitDeny` or `implicitDeny`; `missing` are context keys of conditions that the request did not give."""

    verdict: str
    missing: Sequence[str] = ()


def decide(documents: Sequence[Policy], boundary: Policy | None, action: str, resource: str, context: Context) -> Decision:
    """Evaluate one action on one resource by the documents of a principal."""
    values = {name.lower(): several for name, several in context.items()}
    bounded = [*documents, *([] if boundary is None else [boundary])]
    statements = [statement for document in bounded for statement in _statements(document)]
    matching = [statement for statement in statements if _matches(statement, action, resource)]
    missing = sorted({key for statement in matching for key in _keys(statement) if key.lower() not in values})
    if any(statement["Effect"] == "Deny" and _holds(statement, values) for statement in matching):
        return Decision("explicitDeny", missing)
    allowed = _allows(documents, action, resource, values) and (boundary is None or _allows([boundary], action, resource, values))
    return Decision("allowed" if allowed else "implicitDeny", missing)


def _allows(documents: Sequence[Policy], action: str, resource: str, values: Context) -> bool:
    statements = (statement for document in documents for statement in _statements(document))
    return any(
        statement["Effect"] == "Allow" and _matches(statement, action, resource) and _holds(statement, values)
        for statement in statements
    )


def _statements(document: Policy) -> Sequence[Statement]:
    statements = document.get("Statement", [])
    return [statements] if isinstance(statements, Mapping) else statements


def _several(value: object) -> Sequence[str]:
    """A list: IAM allows a single value in place of a list with one member."""
    return [str(member) for member in value] if isinstance(value, list) else [_text(value)]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@cache
def _pattern(pattern: str, flags: int) -> "re.Pattern[str]":
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")), flags)  # its stars do not backtrack


def _like(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    return _pattern(pattern, re.IGNORECASE if ignore_case else 0).fullmatch(value) is not None


def _matches(statement: Statement, action: str, resource: str) -> bool:
    """Whether a statement is about an action and a resource."""
    named = "Action" in statement
    actions = _several(statement["Action"] if named else statement.get("NotAction", []))
    if any(_like(pattern, action, ignore_case=True) for pattern in actions) is not named:
        return False
    named = "NotResource" not in statement
    resources = _several(statement.get("Resource", "*") if named else statement["NotResource"])
    return any(_like(pattern, resource) for pattern in resources) is named


def _keys(statement: Statement) -> Iterator[str]:
    for tests in statement.get("Condition", {}).values():
        yield from tests


_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringEqualsIgnoreCase": lambda wanted, value: wanted.lower() == value.lower(),
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
    "NumericEquals": lambda wanted, value: float(value) == float(wanted),
    "NumericLessThan": lambda wanted, value: float(value) < float(wanted),
    "NumericLessThanEquals": lambda wanted, value: float(value) <= float(wanted),
    "NumericGreaterThan": lambda wanted, value: float(value) > float(wanted),
    "NumericGreaterThanEquals": lambda wanted, value: float(value) >= float(wanted),
}


def _holds(statement: Statement, values: Context) -> bool:
    """Whether each condition holds; one with an operator that is not known here never does."""
    tests = (
        (operator, key, _several(wanted))
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )
    return all(_passes(operator, values.get(key.lower()), wanted) for operator, key, wanted in tests)


def _passes(operator: str, values: Sequence[str] | None, wanted: Sequence[str]) -> bool:
    quantifier, _, name = operator.rpartition(":")
    if name == "Null":
        return (values is None) is (wanted[0].lower() == "true")
    optional = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = "Not" in name
    compare = _COMPARE.get(name.replace("Not", ""))
    if compare is None:
        return False
    if values is None:
        return optional or quantifier == "ForAllValues" or (negated and not quantifier)
    each = (any(compare(pattern, value) for pattern in wanted) is not negated for value in values)
    return all(each) if quantifier == "ForAllValues" or (negated and not quantifier) else any(each)
