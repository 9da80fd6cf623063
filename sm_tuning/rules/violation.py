"""A rule that is broken."""

from dataclasses import dataclass

_LONGEST_SHOWN = 80


@dataclass(frozen=True)
class Problem:
    """A rule that the tuning job breaks.

    `rule` is its name (docs/rules.md), `field` the member of the request, `value` its value and `text` what it must be. `argument` is
    what the user typed for the member, a key in TOML or an argument in Python; empty where that is `field` itself.
    """

    rule: str
    field: str
    value: object
    text: str
    argument: str = ""

    def __str__(self) -> str:
        """One line."""
        shown = repr(self.value)
        if len(shown) > _LONGEST_SHOWN:
            shown = f"{shown[: _LONGEST_SHOWN - 2]}…{shown[-1]}"
        return f"{self.argument or self.field} is {shown}; {self.text} ({self.rule})"
