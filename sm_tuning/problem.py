"""A rule that is broken."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """A rule that the tuning job breaks: its name (docs/rules.md), the member of the request, its value and what it must be."""

    rule: str
    field: str
    value: object
    text: str

    def __str__(self) -> str:
        """One line."""
        shown = repr(self.value) if not isinstance(self.value, str) or len(self.value) <= 80 else f"{self.value[:77]!r}…"  # noqa: PLR2004 - a line
        return f"{self.field} is {shown}; {self.text} ({self.rule})"
