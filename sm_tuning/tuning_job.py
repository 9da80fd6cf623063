"""A tuning job, described once."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from sm_tuning import launcher, rules
from sm_tuning.objective import Metric, Objective
from sm_tuning.parameters import Categorical, Continuous, Integer, Range
from sm_tuning.strategies import Grid, Hyperband, Strategy
from sm_tuning.training import Channel, Completion, Encryption, Network, Resources, Script, sklearn_image

if TYPE_CHECKING:
    from sm_tuning.run import TuningRun

LONGEST_NAME = 32


def unique_name(base: str) -> str:
    """A tuning job's name of at most 32 characters: the base, the time to the second and four random digits."""
    tail = f"{datetime.now(UTC):%m%d-%H%M%S}-{secrets.token_hex(2)}"
    return f"{base[: LONGEST_NAME - len(tail) - 1].rstrip('-')}-{tail}"


@dataclass(frozen=True, kw_only=True)
class TuningJob:
    """Everything about a tuning job. `request()` is what AWS gets; `launch()` sends it.

    Args:
        name: 1 to 32 letters, digits and hyphens; unique in the account and region. `unique_name` makes one.
        objective: The metric that is tuned.
        ranges: What is searched.
        role: ARN of the role that SageMaker assumes for training jobs.
        output: `s3://bucket/prefix` for models, and for code and data that are uploaded.
        script: The training script, for images with script mode; None for an image that holds its program.
        metrics: Further metrics to record; the objective's own is always recorded.
        strategy: How the ranges are searched.
        max_jobs: Number of training jobs; None with Grid for all combinations.
        max_parallel: Training jobs at a time.
        completion: When to end earlier.
        hyperparameters: Static hyperparameters; numbers are written as Python writes them.
        channels: Input data.
        resources: The machine of each training job.
        image: URI of the training image; None for AWS's scikit-learn image in `region`.
        region: Where the default image lies.
        environment: Environment variables of the training program.
        network: Where training jobs may connect to.
        encryption: KMS keys.
        max_retries: Attempts after an internal error of the service.
        tags: Tags of the tuning job and its training jobs.
    """

    name: str
    objective: Objective
    ranges: Sequence[Range]
    role: str
    output: str
    strategy: Strategy
    script: Script | None = None
    metrics: Sequence[Metric] = ()
    max_jobs: int | None = None
    max_parallel: int = 1
    completion: Completion = field(default_factory=Completion)
    hyperparameters: Mapping[str, str | float | bool] = field(default_factory=dict)
    channels: Sequence[Channel] = ()
    resources: Resources = field(default_factory=Resources)
    image: str | None = None
    region: str = "us-east-1"
    environment: Mapping[str, str] = field(default_factory=dict)
    network: Network = field(default_factory=Network)
    encryption: Encryption = field(default_factory=Encryption)
    max_retries: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def named(self, name: str) -> Self:
        """The same tuning job under another name."""
        return replace(self, name=name)

    @property
    def source_uri(self) -> str:
        """Where the script's archive lies once it is uploaded."""
        return f"{self.output.rstrip('/')}/{self.name}/source/sourcedir.tar.gz"

    def channel_uri(self, channel: Channel) -> str:
        """Where a channel's data lie, once they are uploaded."""
        return f"{self.output.rstrip('/')}/{self.name}/input/{channel.name}" if channel.local else channel.source

    def request(self) -> dict[str, Any]:
        """The exact request of CreateHyperParameterTuningJob."""
        request: dict[str, Any] = {
            "HyperParameterTuningJobName": self.name,
            "HyperParameterTuningJobConfig": self._config(),
            "TrainingJobDefinition": self._definition(),
        }
        if self.tags:
            request["Tags"] = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return request

    def dry_run(self) -> "rules.Report":
        """Every problem of the tuning job at once, found without AWS."""
        return rules.check(self)

    def launch(self, session: Any = None, *, client: Any = None) -> "TuningRun":  # noqa: ANN401 - boto3 makes its classes at run time
        """Upload code and data, create the tuning job, and return it as a run.

        Args:
            session: A boto3 session; None for the default one. AWS_ENDPOINT_URL and profiles count as always.
            client: A SageMaker client to use instead of one made from the session.

        Raises:
            NotLaunched: A rule is broken or an upload failed; nothing was created.
        """
        return launcher.launch(self, session, client)

    def _config(self) -> dict[str, Any]:
        strategy = self.strategy
        config: dict[str, Any] = {"Strategy": type(strategy).__name__}
        if isinstance(strategy, Hyperband):
            resources = {"MinResource": strategy.min_resource}
            if strategy.max_resource is not None:
                resources["MaxResource"] = strategy.max_resource
            config["StrategyConfig"] = {"HyperbandStrategyConfig": resources}
        config["HyperParameterTuningJobObjective"] = {"Type": self.objective.goal, "MetricName": self.objective.metric.name}
        limits = {
            "MaxNumberOfTrainingJobs": self.max_jobs,
            "MaxParallelTrainingJobs": self.max_parallel,
            "MaxRuntimeInSeconds": self.completion.max_runtime,
        }
        config["ResourceLimits"] = {name: value for name, value in limits.items() if value is not None}
        kinds = {
            "IntegerParameterRanges": Integer,
            "ContinuousParameterRanges": Continuous,
            "CategoricalParameterRanges": Categorical,
        }
        config["ParameterRanges"] = {
            member: [dict(one.request()) for one in self.ranges if isinstance(one, kind)] for member, kind in kinds.items()
        }
        stopping = not isinstance(strategy, Hyperband) and strategy.early_stopping
        config["TrainingJobEarlyStoppingType"] = "Auto" if stopping else "Off"
        if criteria := self.completion.request():
            config["TuningJobCompletionCriteria"] = criteria
        if not isinstance(strategy, Grid) and strategy.seed is not None:
            config["RandomSeed"] = strategy.seed
        return config

    def _definition(self) -> dict[str, Any]:
        resources = self.resources
        metrics = {one.name: one.regex for one in (self.objective.metric, *self.metrics)}
        definition: dict[str, Any] = {
            "StaticHyperParameters": self._static(),
            "AlgorithmSpecification": {
                "TrainingImage": self.image if self.image is not None else sklearn_image(self.region),
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": name, "Regex": regex} for name, regex in metrics.items()],
            },
            "RoleArn": self.role,
        }
        if self.channels:
            definition["InputDataConfig"] = [dict(one.request(self.channel_uri(one))) for one in self.channels]
        if self.network.subnets or self.network.security_groups:
            definition["VpcConfig"] = {
                "SecurityGroupIds": list(self.network.security_groups),
                "Subnets": list(self.network.subnets),
            }
        definition["OutputDataConfig"] = {"S3OutputPath": self.output.rstrip("/")} | _given(KmsKeyId=self.encryption.output_key)
        definition["ResourceConfig"] = {
            "InstanceType": resources.instance_type,
            "InstanceCount": resources.instance_count,
            "VolumeSizeInGB": resources.volume_gb,
        } | _given(VolumeKmsKeyId=self.encryption.volume_key)
        wait = resources.max_wait if resources.spot else None
        definition["StoppingCondition"] = {"MaxRuntimeInSeconds": resources.max_runtime} | _given(MaxWaitTimeInSeconds=wait)
        definition["EnableNetworkIsolation"] = self.network.isolated
        definition["EnableInterContainerTrafficEncryption"] = self.network.encrypted
        definition["EnableManagedSpotTraining"] = resources.spot
        if resources.checkpoints is not None:
            definition["CheckpointConfig"] = {"S3Uri": resources.checkpoints}
        if self.max_retries is not None:
            definition["RetryStrategy"] = {"MaximumRetryAttempts": self.max_retries}
        if self.environment:
            definition["Environment"] = dict(self.environment)
        return definition

    def _static(self) -> dict[str, str]:
        static = {name: str(value) for name, value in self.hyperparameters.items()}
        if self.script is not None:
            static |= {"sagemaker_program": self.script.program, "sagemaker_submit_directory": self.source_uri}
        return static


def _given(**members: object) -> dict[str, Any]:
    """Those members that have a value."""
    return {name: value for name, value in members.items() if value is not None}
