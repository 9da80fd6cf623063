"""A tuning job, described once."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from sm_tuning.client import launch as launcher
from sm_tuning.client import sagemaker_sdk
from sm_tuning.spec.definition import Definition
from sm_tuning.spec.job import LONGEST_NAME, Completion, WarmStart
from sm_tuning.spec.request import given
from sm_tuning.spec.strategies import Grid, Hyperband, Strategy
from sm_tuning.spec.value_types import require
from sm_tuning.validation import dry_run as rules

if TYPE_CHECKING:
    from sm_tuning.client.run import TuningRun


def unique_name(base: str) -> str:
    """A tuning job's name of at most 32 characters: the base, the time to the second and four random digits."""
    tail = f"{datetime.now(UTC):%m%d-%H%M%S}-{secrets.token_hex(2)}"
    return f"{base[: LONGEST_NAME - len(tail) - 1].rstrip('-')}-{tail}"


@dataclass(frozen=True, kw_only=True)
class TuningJob(Definition):
    """Everything about a tuning job. `request()` is what AWS gets; `launch()` sends it.

    A tuning job is its own training job definition: it takes all that `Definition` takes, and what follows. With `definitions`,
    what to train and to tune is said there, and of its own only `role` and `output` count, for those that have none.

    Args:
        name: 1 to 32 letters, digits and hyphens; unique in the account and region. `unique_name` makes one.
        role: ARN of the role that SageMaker assumes for training jobs.
        output: `s3://bucket/prefix` for models, and for code and data that are uploaded.
        strategy: How the ranges are searched.
        max_jobs: Number of training jobs; None with Grid for all combinations, and with `autotune`.
        max_parallel: Training jobs at a time.
        completion: When to end earlier.
        definitions: Several training job definitions (up to 10) in place of this one.
        warm_start: Finished tuning jobs to learn from.
        autotune: Whether AWS chooses what is left open: ranges (`Auto`), number of training jobs, convergence, retries.
        tags: Tags of the tuning job and its training jobs.
    """

    role: str
    output: str
    strategy: Strategy
    max_jobs: int | None = None
    max_parallel: int = 1
    completion: Completion = field(default_factory=Completion)
    definitions: Sequence[Definition] = ()
    warm_start: WarmStart | None = None
    autotune: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)

    def named(self, name: str) -> Self:
        """The same tuning job under another name."""
        return replace(self, name=name)

    def parts(self) -> Sequence[tuple[str, Definition]]:
        """Every training job definition, complete, and the prefix below which what it needs is uploaded."""
        if not self.definitions:
            return [(f"{self.output.rstrip('/')}/{self.name}", self)]
        complete = [replace(one, role=one.role or self.role, output=one.output or self.output) for one in self.definitions]
        return [(f"{(one.output or '').rstrip('/')}/{self.name}/{one.name}", one) for one in complete]

    def request(self) -> dict[str, Any]:
        """The exact request of CreateHyperParameterTuningJob; raises Invalid if a value has not the type that it must have."""
        require(self)
        request: dict[str, Any] = {
            "HyperParameterTuningJobName": self.name,
            "HyperParameterTuningJobConfig": self._config(),
        }
        if self.definitions:
            request["TrainingJobDefinitions"] = [_named(one, prefix) for prefix, one in self.parts()]
        else:
            ((prefix, only),) = self.parts()
            request["TrainingJobDefinition"] = only.training_request(prefix)
        if self.warm_start is not None:
            request["WarmStartConfig"] = dict(self.warm_start.request())
        if self.autotune:
            request["Autotune"] = {"Mode": "Enabled"}
        if self.tags:
            request["Tags"] = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return request

    def dry_run(self, client: Any = None) -> "rules.Report":  # noqa: ANN401 - boto3 makes its classes at run time
        """Every problem of the tuning job at once, found without AWS; values of a wrong type alone, for nothing else is known then.

        Args:
            client: A SageMaker client; with it the parents of a warm start are read and compared too.

        Raises:
            botocore.exceptions.ClientError: A parent cannot be described. Never without a client.
        """
        return rules.check(self, client)

    def launch(self, session: Any = None, *, client: Any = None) -> "TuningRun":  # noqa: ANN401 - boto3 makes its classes at run time
        """Upload code and data, create the tuning job, and return it as a run.

        Args:
            session: A boto3 session; None for the default one. AWS_ENDPOINT_URL and profiles count as always.
            client: A SageMaker client to use instead of one made from the session.

        Raises:
            NotLaunched: A rule is broken or an upload failed; nothing was created.
        """
        return launcher.launch(self, session, client)

    @classmethod
    def from_tuner(cls, tuner: Any, *, name: str | None = None, inputs: Any = None) -> Self:  # noqa: ANN401 - the SDK's classes
        """The tuning job that a `HyperparameterTuner` of the SageMaker Python SDK 3 would start.

        Args:
            tuner: The tuner, with one model trainer.
            name: Name of the tuning job; None for a unique one made from the tuner's `base_tuning_job_name`.
            inputs: What its `tune(inputs=…)` would be given.

        Raises:
            Invalid: The tuner holds what a tuning job here has no word for.
        """
        return cls(name=name or unique_name(tuner.base_tuning_job_name or "tuning"), **sagemaker_sdk.members(tuner, inputs))

    def to_tuner(self, session: Any = None) -> Any:  # noqa: ANN401 - the SDK's classes
        """A `HyperparameterTuner` of the SageMaker Python SDK 3 for this tuning job: call its `tune(job_name=…)`.

        Args:
            session: A SageMaker session of the SDK's; None for the default one.

        Raises:
            MissingExtra: The SDK is not installed.
            Invalid: The tuning job says what the SDK leaves out of its request.
        """
        return sagemaker_sdk.tuner(self, session)

    def _config(self) -> dict[str, Any]:
        strategy = self.strategy
        config: dict[str, Any] = {"Strategy": type(strategy).__name__}
        if isinstance(strategy, Hyperband):
            resources = {"MinResource": strategy.min_resource} | given(MaxResource=strategy.max_resource)
            config["StrategyConfig"] = {"HyperbandStrategyConfig": resources}
        if self.objective is not None:
            config["HyperParameterTuningJobObjective"] = dict(self.objective.request())
        config["ResourceLimits"] = given(
            MaxNumberOfTrainingJobs=self.max_jobs,
            MaxParallelTrainingJobs=self.max_parallel,
            MaxRuntimeInSeconds=self.completion.max_runtime,
        )
        if self.ranges or not self.definitions:
            config["ParameterRanges"] = self.ranges_request()
        stopping = not isinstance(strategy, Hyperband) and strategy.early_stopping
        config["TrainingJobEarlyStoppingType"] = "Auto" if stopping else "Off"
        if criteria := self.completion.request():
            config["TuningJobCompletionCriteria"] = criteria
        if not isinstance(strategy, Grid) and strategy.seed is not None:
            config["RandomSeed"] = strategy.seed
        return config


def _named(definition: Definition, prefix: str) -> dict[str, Any]:
    """One of several definitions in AWS's form."""
    named: dict[str, Any] = {"DefinitionName": definition.name}
    if definition.objective is not None:
        named["TuningObjective"] = dict(definition.objective.request())
    return {**named, "HyperParameterRanges": definition.ranges_request(), **definition.training_request(prefix)}
