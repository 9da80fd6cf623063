"""A training job definition: what its training jobs run, on which data and machine, and which hyperparameters are tuned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from sm_tuning.spec.channels import Channel
from sm_tuning.spec.images import sklearn_image
from sm_tuning.spec.metrics import Metric, Objective
from sm_tuning.spec.parameters import Range, ranges_request
from sm_tuning.spec.request import given
from sm_tuning.spec.resources import Resources
from sm_tuning.spec.script import Script
from sm_tuning.spec.security import Encryption, Network


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A training job definition of a tuning job: its only one, which has no name, or one of several, each with its own name.

    Args:
        name: 1 to 64 letters, digits and hyphens, unique in the tuning job; None for the only definition.
        objective: The metric that is tuned.
        ranges: What is searched.
        role: ARN of the role that SageMaker assumes for training jobs; None for the tuning job's.
        output: `s3://bucket/prefix` for models, and for code and data that are uploaded; None for the tuning job's.
        script: The training script, for images with script mode; None for an image that holds its program.
        metrics: Further metrics to record; the objective's own is always recorded.
        hyperparameters: Static hyperparameters; numbers are written as Python writes them.
        channels: Input data.
        input_mode: How channels reach the script: `File`, `FastFile` or `Pipe`.
        resources: The machine of each training job.
        image: URI of the training image; None for AWS's scikit-learn image in `region`.
        algorithm: Name or ARN of an algorithm resource, in place of an image.
        region: Where the default image lies.
        environment: Environment variables of the training program.
        output_compression: `GZIP` or `NONE`, for the model; None for AWS's default, `GZIP`.
        network: Where training jobs may connect to.
        encryption: KMS keys.
        max_retries: Attempts after an internal error of the service.
    """

    name: str | None = None
    objective: Objective | None = None
    ranges: Sequence[Range] = ()
    role: str | None = None
    output: str | None = None
    script: Script | None = None
    metrics: Sequence[Metric] = ()
    hyperparameters: Mapping[str, str | float | bool] = field(default_factory=dict)
    channels: Sequence[Channel] = ()
    input_mode: str = "File"
    resources: Resources = field(default_factory=Resources)
    image: str | None = None
    algorithm: str | None = None
    region: str = "us-east-1"
    environment: Mapping[str, str] = field(default_factory=dict)
    output_compression: str | None = None
    network: Network = field(default_factory=Network)
    encryption: Encryption = field(default_factory=Encryption)
    max_retries: int | None = None

    def named_request(self, prefix: str) -> dict[str, Any]:
        """One of several definitions in AWS's form, with its objective and its ranges."""
        named: dict[str, Any] = {"DefinitionName": self.name}
        if self.objective is not None:
            named["TuningObjective"] = dict(self.objective.request())
        return {**named, "HyperParameterRanges": self.ranges_request(), **self.training_request(prefix)}

    def training_request(self, prefix: str) -> dict[str, Any]:
        """What a training job needs, in AWS's form; code and data that are uploaded lie below the prefix."""
        resources = self.resources
        definition: dict[str, Any] = {
            "StaticHyperParameters": self._static(prefix),
            "AlgorithmSpecification": self._algorithm(),
            "RoleArn": self.role or "",
        }
        if self.channels:
            definition["InputDataConfig"] = [dict(channel.request(prefix)) for channel in self.channels]
        if self.network.subnets or self.network.security_groups:
            definition["VpcConfig"] = {
                "SecurityGroupIds": list(self.network.security_groups),
                "Subnets": list(self.network.subnets),
            }
        definition["OutputDataConfig"] = {"S3OutputPath": (self.output or "").rstrip("/")} | given(
            KmsKeyId=self.encryption.output_key, CompressionType=self.output_compression
        )
        definition |= resources.request(self.encryption.volume_key)
        definition["StoppingCondition"] = {"MaxRuntimeInSeconds": resources.max_runtime} | given(
            MaxWaitTimeInSeconds=resources.max_wait, MaxPendingTimeInSeconds=resources.max_pending
        )
        definition["EnableNetworkIsolation"] = self.network.isolated
        definition["EnableInterContainerTrafficEncryption"] = self.network.encrypted
        definition["EnableManagedSpotTraining"] = resources.spot
        if resources.checkpoints is not None:
            definition["CheckpointConfig"] = {"S3Uri": resources.checkpoints} | given(LocalPath=resources.checkpoint_path)
        if self.max_retries is not None:
            definition["RetryStrategy"] = {"MaximumRetryAttempts": self.max_retries}
        if self.environment:
            definition["Environment"] = dict(self.environment)
        return definition

    def ranges_request(self) -> dict[str, Any]:
        """The ranges in AWS's form."""
        return ranges_request(self.ranges)

    def source_uri(self, prefix: str) -> str:
        """Where the script's archive lies once it is uploaded below the prefix."""
        return f"{prefix}/source/sourcedir.tar.gz"

    @property
    def all_metrics(self) -> Sequence[Metric]:
        """The objective's own metric, and the further ones."""
        return [*([self.objective.metric] if self.objective is not None else ()), *self.metrics]

    def _algorithm(self) -> dict[str, Any]:
        # Of two equal metrics AWS takes one; two that differ are sent, so that they are refused.
        several = dict.fromkeys((metric.name, metric.regex) for metric in self.all_metrics)
        metrics = [{"Name": name, "Regex": regex} for name, regex in several if regex is not None]
        image = sklearn_image(self.region) if self.image is None and self.algorithm is None else self.image
        algorithm = given(TrainingImage=image, AlgorithmName=self.algorithm) | {"TrainingInputMode": self.input_mode}
        return algorithm | ({"MetricDefinitions": metrics} if metrics else {})

    def _static(self, prefix: str) -> dict[str, str]:
        static = {name: str(value) for name, value in self.hyperparameters.items()}
        if self.script is not None:
            static |= {"sagemaker_program": self.script.program, "sagemaker_submit_directory": self.source_uri(prefix)}
        return static


class DefinitionMembers(TypedDict, total=False):
    """Members of the only definition of a tuning job, as keywords."""

    objective: Objective | None
    ranges: Sequence[Range]
    script: Script | None
    metrics: Sequence[Metric]
    hyperparameters: Mapping[str, str | float | bool]
    channels: Sequence[Channel]
    input_mode: str
    resources: Resources
    image: str | None
    algorithm: str | None
    region: str
    environment: Mapping[str, str]
    output_compression: str | None
    network: Network
    encryption: Encryption
    max_retries: int | None
