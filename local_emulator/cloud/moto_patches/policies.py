"""IAM's evaluation of identity policies, pure: documents, an action, a resource and the request's context in, a decision out.

moto has no simulation, and its access control takes no notice of NotResource and denies what a condition does not match. Here Deny
beats Allow, a permissions boundary bounds, and a statement counts only if each of its conditions holds.
"""

import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

Context = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Decision:
    """`allowed`, `explicitDeny` or `implicitDeny`; `missing` are context keys of conditions that the request did not tell."""

    verdict: str
    missing: Sequence[str] = ()


def decide(
    documents: Sequence[Mapping[str, Any]], boundary: Mapping[str, Any] | None, action: str, resource: str, context: Context
) -> Decision:
    """What the documents of a principal say of one action on one resource."""
    told = {name.lower(): values for name, values in context.items()}
    bounded = [*documents, *([] if boundary is None else [boundary])]
    about = [one for document in bounded for one in _statements(document) if _concerns(one, action, resource)]
    missing = sorted({key for one in about for key in _keys(one) if key.lower() not in told})
    if any(one["Effect"] == "Deny" and _holds(one, told) for one in about):
        return Decision("explicitDeny", missing)
    allowed = _allows(documents, action, resource, told) and (boundary is None or _allows([boundary], action, resource, told))
    return Decision("allowed" if allowed else "implicitDeny", missing)


def _allows(documents: Sequence[Mapping[str, Any]], action: str, resource: str, told: Context) -> bool:
    statements = (one for document in documents for one in _statements(document))
    return any(one["Effect"] == "Allow" and _concerns(one, action, resource) and _holds(one, told) for one in statements)


def _statements(document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found = document.get("Statement", [])
    return [found] if isinstance(found, Mapping) else found


def _several(value: object) -> Sequence[str]:
    """IAM writes one value for a list of one."""
    return [str(one) for one in value] if isinstance(value, list) else [_text(value)]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@cache
def _pattern(pattern: str, flags: int) -> "re.Pattern[str]":
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")), flags)  # its stars do not backtrack


def _like(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    return _pattern(pattern, re.IGNORECASE if ignore_case else 0).fullmatch(value) is not None


def _concerns(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    named = "Action" in statement
    actions = _several(statement["Action"] if named else statement.get("NotAction", []))
    if any(_like(one, action, ignore_case=True) for one in actions) is not named:
        return False
    named = "NotResource" not in statement
    resources = _several(statement.get("Resource", "*") if named else statement["NotResource"])
    return any(_like(one, resource) for one in resources) is named


def _keys(statement: Mapping[str, Any]) -> Iterator[str]:
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


def _holds(statement: Mapping[str, Any], told: Context) -> bool:
    """Whether each condition holds; one with an operator that is not known here never does."""
    tests = (
        (operator, key, _several(wanted))
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )
    return all(_passes(operator, told.get(key.lower()), wanted) for operator, key, wanted in tests)


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
        return optional or negated or quantifier == "ForAllValues"
    each = (any(compare(one, value) for one in wanted) is not negated for value in values)
    return all(each) if quantifier == "ForAllValues" or (negated and not quantifier) else any(each)
