"""What several rules need of a request, read once. Nothing here may fail on a request whose types are right."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Document = Mapping[str, Any]
ExpressionErrors = Callable[[Sequence[str]], Sequence[str | None]]
"""For each regular expression what is wrong with it, None if nothing is."""

CONFIG = "HyperParameterTuningJobConfig"
LIMITS = f"{CONFIG}.ResourceLimits"
CATEGORICAL, INTEGER, CONTINUOUS = "CategoricalParameterRanges", "IntegerParameterRanges", "ContinuousParameterRanges"
AUTO = "AutoParameters"
KINDS = (CATEGORICAL, INTEGER, CONTINUOUS)
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_INTEGER = re.compile(r"[-+]?\d+")


def member(document: Document, name: str) -> Document:
    """A structure inside another; empty if it is not there."""
    structure: Document = document.get(name, {})
    return structure


def members(document: Document, name: str) -> Sequence[Document]:
    """A list of structures; empty if it is not there."""
    structures: Sequence[Document] = document.get(name, ())
    return structures


def untried(expressions: Sequence[str]) -> Sequence[None]:
    """No regular expression has a known error."""
    return [None] * len(expressions)


def repeated(names: Sequence[str]) -> Sequence[str]:
    """The names that are there more than once."""
    return sorted({name for name in names if names.count(name) > 1})


@dataclass(frozen=True)
class TrainingRequest:
    """What training jobs are made of: a request of CreateTrainingJob, or a definition of a tuning job; `path` leads to it."""

    body: Document
    path: str = ""
    expression_errors: ExpressionErrors = untried

    def at(self, name: str) -> str:
        """The path to a member."""
        return f"{self.path}.{name}" if self.path else name

    @property
    def algorithm(self) -> Document:
        """Its AlgorithmSpecification."""
        return member(self.body, "AlgorithmSpecification")

    @property
    def image(self) -> str:
        """Its training image; empty if it has none."""
        return str(self.algorithm.get("TrainingImage", ""))

    @property
    def metrics(self) -> Sequence[Document]:
        """Its metric definitions."""
        return members(self.algorithm, "MetricDefinitions")

    @property
    def static(self) -> Document:
        """Its static hyperparameters."""
        return member(self.body, "StaticHyperParameters")


@dataclass(frozen=True)
class NumberRange:
    """An integer or a continuous range."""

    body: Document
    path: str
    integer: bool

    @property
    def name(self) -> str:
        """The hyperparameter."""
        return str(self.body["Name"])

    @property
    def low(self) -> float | None:
        """Its MinValue; None if it is no number."""
        return number(self.body["MinValue"], integer=self.integer)

    @property
    def high(self) -> float | None:
        """Its MaxValue; None if it is no number."""
        return number(self.body["MaxValue"], integer=self.integer)

    @property
    def scaling(self) -> str:
        """Its ScalingType."""
        return str(self.body.get("ScalingType", "Auto"))


@dataclass(frozen=True)
class Definition(TrainingRequest):
    """A training job definition with what is tuned of it."""

    objective: Document | None = None
    objective_path: str = ""
    ranges: Document | None = None
    ranges_path: str = ""

    @cached_property
    def names(self) -> Sequence[str]:
        """The hyperparameters that have a range, and those that AWS chooses one for."""
        return [str(entry["Name"]) for kind in (*KINDS, AUTO) for entry in self.of_kind(kind)]

    def of_kind(self, kind: str) -> Sequence[Document]:
        """Its ranges of a kind."""
        return members(self.ranges or {}, kind)

    def numeric(self) -> Iterator[NumberRange]:
        """Its integer and continuous ranges."""
        for kind in (INTEGER, CONTINUOUS):
            for index, entry in enumerate(self.of_kind(kind)):
                yield NumberRange(entry, f"{self.ranges_path}.{kind}[{index}]", kind == INTEGER)


@dataclass(frozen=True)
class TuningRequest:
    """A request of CreateHyperParameterTuningJob."""

    body: Document
    expression_errors: ExpressionErrors = untried

    @property
    def config(self) -> Document:
        """Its HyperParameterTuningJobConfig."""
        return member(self.body, CONFIG)

    @property
    def strategy(self) -> str:
        """Its strategy."""
        return str(self.config["Strategy"])

    @property
    def jobs(self) -> int | None:
        """Its MaxNumberOfTrainingJobs."""
        jobs: int | None = self.config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
        return jobs

    @property
    def hyperband(self) -> Document | None:
        """Its HyperbandStrategyConfig."""
        settings: Document | None = self.config.get("StrategyConfig", {}).get("HyperbandStrategyConfig")
        return settings

    @property
    def autotune(self) -> bool:
        """Whether AWS chooses what the request leaves open."""
        return "Autotune" in self.body

    @property
    def several(self) -> bool:
        """Whether it has TrainingJobDefinitions."""
        return "TrainingJobDefinitions" in self.body

    @cached_property
    def definitions(self) -> Sequence[Definition]:
        """Every definition."""
        if not self.several:
            return [
                Definition(
                    self.body.get("TrainingJobDefinition", {}),
                    "TrainingJobDefinition",
                    self.expression_errors,
                    objective=self.config.get("HyperParameterTuningJobObjective"),
                    objective_path=f"{CONFIG}.HyperParameterTuningJobObjective",
                    ranges=self.config.get("ParameterRanges"),
                    ranges_path=f"{CONFIG}.ParameterRanges",
                )
            ]
        return [
            Definition(
                body,
                path,
                self.expression_errors,
                objective=body.get("TuningObjective"),
                objective_path=f"{path}.TuningObjective",
                ranges=body.get("HyperParameterRanges"),
                ranges_path=f"{path}.HyperParameterRanges",
            )
            for index, body in enumerate(self.body["TrainingJobDefinitions"])
            for path in [f"TrainingJobDefinitions[{index}]"]
        ]

    @cached_property
    def points(self) -> int | None:
        """Number of distinct points of all ranges; None if they are infinitely many, of AWS's choice, or none."""
        numbers = [number_of_points(definition.ranges or {}) for definition in self.definitions]
        return None if None in numbers else sum(count or 0 for count in numbers)


def number(text: str, *, integer: bool) -> float | None:
    """The value of a range's end, None if it is no number."""
    if not (_INTEGER if integer else _NUMBER).fullmatch(text):
        return None
    return int(text) if integer else float(text)


def number_of_points(ranges: Document) -> int | None:
    """Number of distinct points of ranges in AWS's form; None if they are infinitely many, of AWS's choice, or none."""
    if ranges.get(CONTINUOUS) or ranges.get(AUTO):
        return None
    sizes = [len(entry["Values"]) for entry in ranges.get(CATEGORICAL, ())]
    for entry in ranges.get(INTEGER, ()):
        low, high = number(entry["MinValue"], integer=True), number(entry["MaxValue"], integer=True)
        sizes.append(0 if low is None or high is None else int(high) - int(low) + 1)
    return math.prod(sizes) if sizes and min(sizes) > 0 else None
