"""A broken rule of a request."""

from dataclasses import dataclass

_LONGEST_SHOWN = 80


@dataclass(frozen=True)
class Violation:
    """A value that a rule forbids.

    Args:
        path: The member of the request, as `HyperParameterTuningJobConfig.ResourceLimits.MaxParallelTrainingJobs`.
        value: Its value.
        requirement: What must hold instead, without the names of AWS's members: "it must be at most 100".
        sentence: AWS's own sentence; empty if nothing more is known of it than the member, the value and the requirement.
        rule: Name of the rule (docs/rules.md).
        argument: What the user typed for the member, a key in TOML or an argument in Python; empty where that is `path` itself.
    """

    path: str
    value: object
    requirement: str
    sentence: str = ""
    rule: str = ""
    argument: str = ""

    @property
    def message(self) -> str:
        """The sentence of an error of the API."""
        return self.sentence or f"{self.path.rpartition('.')[2]} is {self.value}; {self.requirement}."

    def __str__(self) -> str:
        """One line in the user's words."""
        shown = repr(self.value)
        if len(shown) > _LONGEST_SHOWN:
            shown = f"{shown[: _LONGEST_SHOWN - 2]}…{shown[-1]}"
        return f"{self.argument or self.path} is {shown}; {self.requirement} ({self.rule})"
