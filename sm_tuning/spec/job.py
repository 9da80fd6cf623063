"""The description of a tuning job."""

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Self, Unpack

from sm_tuning.errors import Invalid
from sm_tuning.rules.violation import Violation
from sm_tuning.spec import value_types
from sm_tuning.spec.definition import Definition, DefinitionMembers
from sm_tuning.spec.request import given
from sm_tuning.spec.strategies import Grid, Hyperband, Strategy

LONGEST_NAME = 32  # of a tuning job


def unique_name(base: str) -> str:
    """A tuning job's name of at most 32 characters: the base, the time (UTC, to the second) and four random digits.

    Args:
        base: The beginning of the name, which is cut where the whole would be too long; a number at its end (`digits-2`) stays.
    """
    tail = f"{datetime.now(UTC):%m%d-%H%M%S}-{secrets.token_hex(2)}"
    most = LONGEST_NAME - len(tail) - 1
    ending = match[0] if (match := re.search(r"-\d{1,3}$", base)) else ""
    return f"{base.removesuffix(ending)[: most - len(ending)].rstrip('-')}{ending}-{tail}"


@dataclass(frozen=True, kw_only=True)
class Completion:
    """When to end before `max_jobs`: any one criterion suffices.

    Args:
        target: A value of the objective that is good enough.
        not_improving: This many training jobs (3 or more) without an improvement of the best.
        on_convergence: Whether to end when AWS expects no significant improvement any more.
        max_runtime: Seconds that the whole tuning job may take (120 or more).
    """

    target: float | None = None
    not_improving: int | None = None
    on_convergence: bool = False
    max_runtime: int | None = None

    def request(self) -> Mapping[str, Any]:
        """TuningJobCompletionCriteria; empty if there are none."""
        criteria: dict[str, Any] = {}
        if self.target is not None:
            criteria["TargetObjectiveMetricValue"] = self.target
        if self.not_improving is not None:
            criteria["BestObjectiveNotImproving"] = {"MaxNumberOfTrainingJobsNotImproving": self.not_improving}
        if self.on_convergence:
            criteria["ConvergenceDetected"] = {"CompleteOnConvergence": "Enabled"}
        return criteria


@dataclass(frozen=True)
class WarmStart:
    """Finished tuning jobs whose training jobs are learnt from. `WarmStart.identical` and `WarmStart.transfer` make one.

    Args:
        parents: Names of the tuning jobs, one to five.
        type: `IdenticalDataAndAlgorithm`, for the same data and image: their training jobs count as this tuning job's own.
            `TransferLearning`, for other data or another image: what was good there is tried first.
    """

    parents: Sequence[str]
    type: str = "IdenticalDataAndAlgorithm"

    @classmethod
    def identical(cls, *parents: str) -> Self:
        """Parents with the same data and the same image: their training jobs count as this tuning job's own."""
        return cls(parents)

    @classmethod
    def transfer(cls, *parents: str) -> Self:
        """Parents with other data or another image: what was good there is tried first."""
        return cls(parents, "TransferLearning")

    def request(self) -> Mapping[str, Any]:
        """WarmStartConfig in AWS's form."""
        parents = [{"HyperParameterTuningJobName": name} for name in self.parents]
        return {"ParentHyperParameterTuningJobs": parents, "WarmStartType": self.type}


@dataclass(frozen=True, init=False)
class TuningJobSpec:
    """The description of a tuning job; `request()` is the request that AWS gets."""

    name: str
    role: str
    output: str
    strategy: Strategy
    definitions: Sequence[Definition]
    max_jobs: int | None
    max_parallel: int
    completion: Completion
    warm_start: WarmStart | None
    autotune: bool
    tags: Mapping[str, str]

    def __init__(
        self,
        *,
        name: str,
        role: str = "",
        output: str = "",
        strategy: Strategy,
        definitions: Sequence[Definition] | None = None,
        max_jobs: int | None = None,
        max_parallel: int = 1,
        completion: Completion | None = None,
        warm_start: WarmStart | None = None,
        autotune: bool = False,
        tags: Mapping[str, str] | None = None,
        **definition: Unpack[DefinitionMembers],
    ) -> None:
        """Describe a tuning job.

        Args:
            name: 1 to 32 letters, digits and hyphens; unique in the account and region. `unique_name` makes one.
            role: ARN of the role that SageMaker assumes for training jobs, where a definition has none. AWS needs one;
                `launch(local=True)` takes the emulator's if there is none.
            output: `s3://bucket/prefix` for models, and for code and data that are uploaded, where a definition has none. AWS
                needs one; `launch(local=True)` takes the emulator's if there is none.
            strategy: How the ranges are searched.
            max_jobs: Number of training jobs; None with Grid for all combinations, and with `autotune`.
            max_parallel: Training jobs at a time.
            completion: When to end earlier.
            definitions: Training job definitions (up to 10), each with a name; or one without. None for the one that is given by
                keywords.
            warm_start: Finished tuning jobs to learn from.
            autotune: Whether AWS chooses what is left open: ranges (`Auto`), number of training jobs, convergence, retries.
            tags: Tags of the tuning job and its training jobs.
            definition: Members of the only definition (`Definition`), in place of `definitions`.

        Raises:
            Invalid: Definitions are given both ways, or those that need names have none.
        """
        members = {
            "name": name,
            "role": role,
            "output": output,
            "strategy": strategy,
            "definitions": _definitions(definitions, definition),
            "max_jobs": max_jobs,
            "max_parallel": max_parallel,
            "completion": Completion() if completion is None else completion,
            "warm_start": warm_start,
            "autotune": autotune,
            "tags": {} if tags is None else tags,
        }
        for member, value in members.items():
            object.__setattr__(self, member, value)

    # Whoever makes one writes `TuningJob`, so that is what Python's errors of missing and unknown arguments name.
    __init__.__qualname__ = "TuningJob"

    @property
    def several(self) -> bool:
        """Whether it has definitions with names, one or more, rather than only one without."""
        return len(self.definitions) != 1 or getattr(self.definitions[0], "name", None) is not None

    @property
    def definition(self) -> Definition:
        """The only definition; raises Invalid if there are several."""
        if self.several:
            raise Invalid(f"{self.name} has several definitions; choose one of `definitions`")
        return self.definitions[0]

    def changed(self, **members: Any) -> Self:  # noqa: ANN401 - as in the constructor
        """The same tuning job with other members; members of a definition are changed in the only one. Raises Invalid."""
        own = {field.name for field in fields(self)}
        inner = {name: value for name, value in members.items() if name not in own}
        _require_known(inner)
        if inner and "definitions" not in members:
            members = {name: value for name, value in members.items() if name in own}
            members["definitions"] = [replace(self.definition, **inner)]
        return replace(self, **members)

    def named(self, name: str) -> Self:
        """The same tuning job under another name."""
        return replace(self, name=name)

    def parts(self, launch: str = "") -> Sequence[tuple[str, Definition]]:
        """Every training job definition, complete, and the prefix below which its code and data are uploaded.

        Args:
            launch: The folder of a launch's own in the prefix; empty for a description that is not launched.
        """
        complete = [
            replace(definition, role=definition.role or self.role, output=definition.output or self.output)
            for definition in self.definitions
        ]
        return [
            ("/".join(filter(None, [(part.output or "").rstrip("/"), self.name, launch, part.name])), part) for part in complete
        ]

    def wrong_types(self) -> Iterator[Violation]:
        """Every value of a wrong type, named as in Python and TOML."""
        for problem in value_types.problems(self):
            inner = problem.path.removeprefix("definitions[0].")
            yield problem if inner == problem.path or self.several else replace(problem, path=inner)

    def require_types(self) -> None:
        """Raise WrongTypes, which is Invalid, if a value has not the type that it must have."""
        if wrong := list(self.wrong_types()):
            raise value_types.WrongTypes(wrong)

    def request(self, launch: str = "") -> dict[str, Any]:
        """The exact request of CreateHyperParameterTuningJob; raises WrongTypes, which is Invalid.

        Args:
            launch: The folder of a launch's own, in which its code and data lie, so that no other launch changes them.
        """
        self.require_types()
        request: dict[str, Any] = {
            "HyperParameterTuningJobName": self.name,
            "HyperParameterTuningJobConfig": self._config(),
        }
        if self.several:
            request["TrainingJobDefinitions"] = [part.named_request(prefix) for prefix, part in self.parts(launch)]
        else:
            ((prefix, part),) = self.parts(launch)
            request["TrainingJobDefinition"] = part.training_request(prefix)
        if self.warm_start is not None:
            request["WarmStartConfig"] = dict(self.warm_start.request())
        if self.autotune:
            request["Autotune"] = {"Mode": "Enabled"}
        if self.tags:
            request["Tags"] = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return request

    def _config(self) -> dict[str, Any]:
        strategy = self.strategy
        config: dict[str, Any] = {"Strategy": type(strategy).__name__}
        if isinstance(strategy, Hyperband):
            resources = {"MinResource": strategy.min_resource} | given(MaxResource=strategy.max_resource)
            config["StrategyConfig"] = {"HyperbandStrategyConfig": resources}
        objective = None if self.several else self.definition.objective
        if objective is not None:
            config["HyperParameterTuningJobObjective"] = dict(objective.request())
        config["ResourceLimits"] = given(
            MaxNumberOfTrainingJobs=self.max_jobs,
            MaxParallelTrainingJobs=self.max_parallel,
            MaxRuntimeInSeconds=self.completion.max_runtime,
        )
        if not self.several:
            config["ParameterRanges"] = self.definition.ranges_request()
        stopping = not isinstance(strategy, Hyperband) and strategy.early_stopping
        config["TrainingJobEarlyStoppingType"] = "Auto" if stopping else "Off"
        if criteria := self.completion.request():
            config["TuningJobCompletionCriteria"] = criteria
        if not isinstance(strategy, Grid) and strategy.seed is not None:
            config["RandomSeed"] = strategy.seed
        return config


def _require_known(members: Iterable[str]) -> None:
    """Raise TypeError for what is no member of a definition, in the name of the class that it was written for."""
    if unknown := [name for name in members if name not in DefinitionMembers.__annotations__]:
        raise TypeError(f"TuningJob() got an unexpected keyword argument {unknown[0]!r}")


def _definitions(definitions: Sequence[Definition] | None, short: DefinitionMembers) -> Sequence[Definition]:
    """The definitions that were given, or the only one of these members."""
    _require_known(short)
    if definitions is None:
        return (Definition(**short),)
    if short:
        raise Invalid(f"definitions and {', '.join(short)} are given; with definitions each has members of its own")
    if not isinstance(definitions, list | tuple):  # a problem of the dry run, if it is no other sequence
        return definitions
    if not definitions:
        raise Invalid("definitions is empty; a tuning job has at least one")
    unnamed = [index for index, definition in enumerate(definitions) if getattr(definition, "name", "") is None]
    if unnamed and len(definitions) > 1:
        raise Invalid(f"definitions[{unnamed[0]}].name is None; of several definitions each needs a name")
    return tuple(definitions)
