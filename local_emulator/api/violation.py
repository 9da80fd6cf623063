"""What is wrong with a request, and how that is answered."""

from collections.abc import Iterable
from dataclasses import dataclass

from local_emulator.domain.errors import ValidationException


@dataclass(frozen=True)
class Broken:
    """A rule that a request breaks: its name (docs/rules.md lists them) and what AWS would say."""

    rule: str
    text: str


def refuse(broken: Iterable[Broken]) -> None:
    """Raise ValidationException if anything is broken, all of it told at once."""
    found = list(broken)
    if found:
        rules = tuple(dict.fromkeys(one.rule for one in found))
        raise ValidationException(" ".join(one.text for one in found), rules)
