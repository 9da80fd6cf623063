"""A tuning job: its request as AWS would echo it, and what has become of it.

The request is the single truth; `plan` reads it. It has passed every rule of `api.reading`, so reading it cannot fail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from local_emulator.domain.history import Goal
from local_emulator.domain.jobs import Document, MetricDefinition, Status
from local_emulator.domain.names import Arn, AwsScope, scope_of
from local_emulator.domain.space import Categorical, Continuous, Integer, Scaling, Space


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The metric that is tuned, and which end of it is good."""

    metric: str
    goal: Goal


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One TrainingJobDefinition; `document` is what its training jobs are made of."""

    name: str | None
    objective: Objective
    space: Space
    static: Mapping[str, str]
    metrics: tuple[MetricDefinition, ...]
    document: Document


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a tuning job may do: the request in domain terms. Times are in seconds."""

    strategy: str
    definitions: tuple[Definition, ...]
    max_parallel: int
    max_jobs: int | None = None
    max_runtime: int | None = None
    early_stopping: bool = False
    target: float | None = None
    not_improving: int | None = None
    complete_on_convergence: bool = False
    seed: int | None = None
    min_resource: int | None = None
    max_resource: int | None = None
    parents: tuple[str, ...] = ()
    transfer: bool = False

    @property
    def ranked(self) -> frozenset[str | None]:
        """Names of the definitions whose objective is the first one's: only their training jobs can be compared."""
        first = self.definitions[0].objective
        return frozenset(one.name for one in self.definitions if one.objective == first)


@dataclass(frozen=True, kw_only=True)
class TuningJob:
    """A tuning job. `seed` is the request's, or one drawn at creation. `version` counts the stored changes.

    `consumed` are the seconds that it has run, as counted every few seconds; None for a job of an earlier version.
    """

    name: str
    arn: Arn
    region: str
    request: Document
    status: Status
    created: datetime
    modified: datetime
    seed: int
    ended: datetime | None = None
    failure_reason: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    consumed: int | None = None
    version: int = 0

    @property
    def state(self) -> tuple[Status, ...]:
        """What events tell of."""
        return (self.status,)

    @property
    def scope(self) -> AwsScope:
        """Its region and account."""
        return scope_of(self.arn)

    @cached_property
    def plan(self) -> Plan:
        """The request in domain terms."""
        return _plan(self.request)


def read_space(ranges: Document) -> Space:
    """A ParameterRanges structure as a space: categoricals, integers, continuous, each in the request's order."""
    return Space(
        parameters=(
            *(Categorical(name=one["Name"], values=tuple(one["Values"])) for one in ranges.get("CategoricalParameterRanges", ())),
            *(
                Integer(
                    name=one["Name"],
                    low=int(one["MinValue"]),
                    high=int(one["MaxValue"]),
                    scaling=Scaling(one.get("ScalingType", "Auto")),
                )
                for one in ranges.get("IntegerParameterRanges", ())
            ),
            *(
                Continuous(
                    name=one["Name"],
                    low=float(one["MinValue"]),
                    high=float(one["MaxValue"]),
                    scaling=Scaling(one.get("ScalingType", "Auto")),
                )
                for one in ranges.get("ContinuousParameterRanges", ())
            ),
        )
    )


def _definition(document: Document, config: Document) -> Definition:
    objective = document.get("TuningObjective") or config["HyperParameterTuningJobObjective"]
    ranges = document.get("HyperParameterRanges") or config.get("ParameterRanges") or {}
    return Definition(
        name=document.get("DefinitionName"),
        objective=Objective(metric=objective["MetricName"], goal=Goal(objective["Type"])),
        space=read_space(ranges),
        static=document.get("StaticHyperParameters", {}),
        metrics=tuple(
            MetricDefinition(name=one["Name"], regex=one["Regex"])
            for one in document["AlgorithmSpecification"].get("MetricDefinitions", ())
        ),
        document=document,
    )


def _plan(request: Document) -> Plan:
    config = request["HyperParameterTuningJobConfig"]
    limits = config["ResourceLimits"]
    criteria = config.get("TuningJobCompletionCriteria", {})
    hyperband = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    warm = request.get("WarmStartConfig", {})
    documents = request.get("TrainingJobDefinitions") or (request["TrainingJobDefinition"],)
    return Plan(
        strategy=config["Strategy"],
        definitions=tuple(_definition(document, config) for document in documents),
        max_parallel=limits["MaxParallelTrainingJobs"],
        max_jobs=limits.get("MaxNumberOfTrainingJobs"),
        max_runtime=limits.get("MaxRuntimeInSeconds"),
        early_stopping=config.get("TrainingJobEarlyStoppingType", "Off") == "Auto",
        target=criteria.get("TargetObjectiveMetricValue"),
        not_improving=criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving"),
        complete_on_convergence=criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence") == "Enabled",
        seed=config.get("RandomSeed"),
        min_resource=hyperband.get("MinResource"),
        max_resource=hyperband.get("MaxResource"),
        parents=tuple(one["HyperParameterTuningJobName"] for one in warm.get("ParentHyperParameterTuningJobs", ())),
        transfer=warm.get("WarmStartType") == "TransferLearning",
    )
