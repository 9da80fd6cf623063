"""The result of a check."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of a check; `remedy` is the command, or the change of the file, that solves a problem."""

    check: str
    state: Literal["ok", "problem", "skipped"]
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> Finding:
    """All is well."""
    return Finding(check=check, state="ok", text=text)


def skip(check: str, text: str) -> Finding:
    """It could not be looked at; the text says why."""
    return Finding(check=check, state="skipped", text=text)


def problem(check: str, text: str, remedy: str) -> Finding:
    """Something is missing or wrong."""
    return Finding(check=check, state="problem", text=text, remedy=remedy)
