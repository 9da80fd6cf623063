"""Metrics that a script prints, and the one that is tuned."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from sm_tuning.errors import Invalid
from sm_tuning.spec.log_lines import cut_numbers, shown, whole_number
from sm_tuning.spec.value_types import require


@dataclass(frozen=True)
class Metric:
    """A metric and the regular expression that finds it in the log.

    Args:
        name: The metric's name, as `validation:accuracy`.
        regex: The expression; its first group is the value. None for a metric of one of AWS's built-in algorithms, for which AWS
            has the expression.
        sample: A line as the script prints it, on which the expression is tried at once, in the form in which the log shows it (a tab
            is `#011` there). None to try nothing.

    Raises:
        Invalid: The expression is none, has no group, or finds no number in the sample.
    """

    name: str
    regex: str | None = None
    sample: str | None = None

    def __post_init__(self) -> None:
        require(self)
        if self.regex is None:
            return
        try:
            compiled = re.compile(self.regex)
        except re.error as error:
            raise Invalid(f"{self.name}: the regex {self.regex!r} is no regular expression: {error}") from error
        if not compiled.groups:
            raise Invalid(f"{self.name}: the regex {self.regex!r} has no group; put ( ) around the value")
        if self.sample is not None:
            self._try(compiled, self.sample)

    def _try(self, compiled: "re.Pattern[str]", sample: str) -> None:
        lines = shown(sample)
        matches = [match for line in lines for match in compiled.finditer(line)]
        if not matches:
            said = f"{self.name}: the regex {self.regex!r} does not match the sample {sample!r}"
            raise Invalid(said if lines == [sample] else f"{said}, which the log shows as {' and '.join(map(repr, lines))}")
        if all(number(match[1]) is None for match in matches):
            raise Invalid(
                f"{self.name}: the regex {self.regex!r} finds {matches[0][1]!r} in the sample {sample!r}, which is no number"
            )

    def warnings(self) -> Iterator[str]:
        """Numbers that its expression would cut or miss: those in the sample or, without one, whatever a script may print."""
        if self.regex is None:
            return
        if re.fullmatch(self.regex, ""):
            yield (
                f"the regex of {self.name} matches empty text, so it may find that and never a value: of {self.regex!r} all is "
                "optional, or a side of a |, which is the sign itself only as \\|"
            )
            return
        if self.sample is not None:
            matches = [(line, match) for line in shown(self.sample) for match in re.finditer(self.regex, line)]
            for line, match in matches:
                whole = whole_number(line, *match.span(1)) if match[1] else None
                if whole is not None:
                    yield f"the regex of {self.name} catches only part of a number: {whole} in its sample becomes {match[1]}"
                elif number(match[1]) is None:
                    yield f"the regex of {self.name} finds {match[1]!r} in its sample, which is no number: AWS leaves it out"
        cut = [f"{whole} becomes {part}" if part else f"{whole} is missed" for whole, part in cut_numbers(self.regex)]
        if cut:
            yield f"the regex of {self.name} does not hold every number: {', '.join(cut)}"

    def values(self, line: str) -> Sequence[float]:
        """Every value of the metric in a line of the log; none without an expression."""
        if self.regex is None:
            return []
        values = (number(match[1]) for match in re.finditer(self.regex, line))
        return [value for value in values if value is not None]


def number(text: str | None) -> float | None:
    """A finite number in plain or scientific notation, or None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in (text or "") else None


@dataclass(frozen=True)
class Objective:
    """The metric that is tuned, and which end of it is good. `Objective.maximize` and `Objective.minimize` make one.

    Args:
        metric: The metric.
        goal: `Maximize` or `Minimize`.

    Raises:
        Invalid: The goal is neither.
    """

    metric: Metric
    goal: str

    @classmethod
    def maximize(cls, name: str, regex: str | None = None, sample: str | None = None) -> Self:
        """An objective of which more is better, as of accuracy; arguments and errors are those of `Metric`."""
        return cls(Metric(name, regex, sample), "Maximize")

    @classmethod
    def minimize(cls, name: str, regex: str | None = None, sample: str | None = None) -> Self:
        """An objective of which less is better, as of loss; arguments and errors are those of `Metric`."""
        return cls(Metric(name, regex, sample), "Minimize")

    def __post_init__(self) -> None:
        require(self)
        if self.goal not in {"Maximize", "Minimize"}:
            raise Invalid(f"goal is {self.goal!r}; it must be 'Maximize' or 'Minimize'")

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.metric.name

    @property
    def higher_is_better(self) -> bool:
        """Whether the goal is to maximize it."""
        return self.goal == "Maximize"

    @property
    def opposite(self) -> Self:
        """The same metric with the other goal."""
        return replace(self, goal="Minimize" if self.higher_is_better else "Maximize")

    def is_better(self, value: float, other: float) -> bool:
        """Whether a value of the metric is better than another."""
        return value > other if self.higher_is_better else value < other

    def request(self) -> Mapping[str, str]:
        """The objective in AWS's form."""
        return {"Type": self.goal, "MetricName": self.metric.name}


def objective_from_request(form: Mapping[str, Any]) -> Objective:
    """The objective of HyperParameterTuningJobObjective or TuningObjective in AWS's form, without a regular expression."""
    return Objective(Metric(form["MetricName"]), form["Type"])
