"""The result of a dry run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sm_tuning.rules.violation import Violation


@dataclass(frozen=True)
class Report:
    """What a dry run has found. `warnings` break no rule, but are seldom meant; `request` is empty if values have wrong types."""

    request: Mapping[str, Any]
    problems: Sequence[Violation]
    warnings: Sequence[str]

    @property
    def ok(self) -> bool:
        """Whether AWS would take the request, as far as can be told from here."""
        return not self.problems

    def __str__(self) -> str:
        """A line for each problem and warning."""
        lines = [f"problem: {problem}" for problem in self.problems] + [f"warning: {warning}" for warning in self.warnings]
        return "\n".join(lines) or "no problems"
