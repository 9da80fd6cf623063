"""Requests against the rules of `sm_tuning.rules`: what breaks one is answered in AWS's words."""

from collections.abc import Iterable, Mapping
from typing import Any

from local_emulator.domain.errors import SerializationException, ValidationException
from local_emulator.domain.jobs import Document
from sm_tuning.rules import schema
from sm_tuning.rules.violation import Violation


def checked(operation: str, body: Mapping[str, Any]) -> Document:
    """The body without members that the model does not know; raises AWS's errors for what it does not allow."""
    for violation in schema.type_violations(operation, body):
        raise SerializationException(violation.message)
    violations = schema.violations(operation, body)
    if violations:
        messages = _messages(violations)
        noun = "error" if len(messages) == 1 else "errors"
        raise ValidationException(f"{len(messages)} validation {noun} detected: {'; '.join(messages)}", _rules(violations))
    document: Document = schema.known(schema.operation(operation).input_shape, body)
    return document


def raise_if_invalid(violations: Iterable[Violation]) -> None:
    """Raise ValidationException if there are violations, with the messages of all of them."""
    if violations := list(violations):
        raise ValidationException(" ".join(_messages(violations)), _rules(violations))


def _messages(violations: Iterable[Violation]) -> list[str]:
    """Every sentence once: AWS has one for all entries of a map, say."""
    return list(dict.fromkeys(violation.message for violation in violations))


def _rules(violations: Iterable[Violation]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(violation.rule for violation in violations))
