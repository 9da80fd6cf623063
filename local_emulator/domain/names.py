"""Names and ARNs: the only module that makes or parses them."""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import NewType

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
PROCESSING_LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
TRANSFORM_LOG_GROUP = "/aws/sagemaker/TransformJobs"
METRIC_NAMESPACE = "/aws/sagemaker/TrainingJobs"
OBJECTIVE_STATIC = "_tuning_objective_metric"
OBJECTIVE_METRIC = "ObjectiveMetric"

Arn = NewType("Arn", str)
"""ARN of a record. It identifies the record; names are unique in a region of an account only."""

_PARTITIONS = {  # AWS's partitions, by how the names of their regions begin
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}
TUNING_JOB = "hyper-parameter-tuning-job"
TRAINING_JOB = "training-job"
PROCESSING_JOB = "processing-job"
TRANSFORM_JOB = "transform-job"
ENDPOINT = "endpoint"
ENDPOINT_CONFIG = "endpoint-config"
ENDPOINT_INVOCATION = "endpoint-invocation"  # of the emulator: AWS shows none
MODEL = "model"
MODEL_PACKAGE = "model-package"
MODEL_PACKAGE_GROUP = "model-package-group"
EXPERIMENT = "experiment"
TRIAL = "experiment-trial"
TRIAL_COMPONENT = "experiment-trial-component"
PIPELINE = "pipeline"
PIPELINE_EXECUTION = "pipeline/execution"  # its ARN is that of its pipeline and `/execution/ID`
OURS = (
    TUNING_JOB,
    TRAINING_JOB,
    PROCESSING_JOB,
    TRANSFORM_JOB,
    MODEL,
    ENDPOINT_CONFIG,
    ENDPOINT,
    MODEL_PACKAGE_GROUP,
    MODEL_PACKAGE,
    EXPERIMENT,
    TRIAL,
    TRIAL_COMPONENT,
    PIPELINE,
)
"""The kinds of which the records are the emulator's own; moto has all others."""

_ARN = re.compile(rf"arn:aws[a-z\-]*:sagemaker:([a-z0-9\-]*):(\d{{12}}):({'|'.join(OURS)})/(.+)")


@dataclass(frozen=True, kw_only=True)
class AwsScope:
    """A region of an account: names are unique in it, and no operation sees beyond it."""

    region: str
    account: str

    @property
    def partition(self) -> str:
        """The partition that the region is in (`aws`, `aws-cn`, …)."""
        return next((name for prefix, name in _PARTITIONS.items() if self.region.startswith(prefix)), "aws")

    def tuning_arn(self, name: str) -> Arn:
        """ARN of a tuning job, with the name in lower case."""
        return self.arn(TUNING_JOB, name)

    def training_arn(self, name: str) -> Arn:
        """ARN of a training job, with the name in lower case."""
        return self.arn(TRAINING_JOB, name)

    def arn(self, kind: str, name: str) -> Arn:
        """ARN of a resource of a kind, with the name in lower case."""
        return Arn(f"arn:{self.partition}:sagemaker:{self.region}:{self.account}:{kind}/{name.lower()}")


@dataclass(frozen=True, kw_only=True)
class JobArn:
    """The parts of an ARN; `name` is lower case."""

    scope: AwsScope
    kind: str
    name: str

    @property
    def arn(self) -> Arn:
        """The ARN, with the name in lower case."""
        return self.scope.arn(self.kind, self.name)


def endpoint_log_group(endpoint: str) -> str:
    """CloudWatch Logs group of an endpoint."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


def child_name(tuning: str, index: int, token: str) -> str:
    """Name of the index-th training job (from 1) of a tuning job; token is 8 lower-case hexadecimal digits."""
    return f"{tuning}-{index:03d}-{token}"


def seeded_token(tuning: str, index: int, seed: int, attempt: int) -> str:
    """The token of a training job's name that follows from a tuning job's RandomSeed; `attempt` counts the names that were taken."""
    return sha256(f"{tuning}\n{index}\n{seed}\n{attempt}".encode()).hexdigest()[:8]


def parse_arn(arn: str) -> JobArn | None:
    """The parts of the ARN of a resource that is ours; None for any other."""
    match = _ARN.fullmatch(arn)
    return match and JobArn(scope=AwsScope(region=match[1], account=match[2]), kind=match[3], name=match[4].lower())


def kind_of(arn: Arn) -> str:
    """The kind of resource that an ARN is of."""
    kind, _, name = arn.split(":", 5)[5].partition("/")
    return PIPELINE_EXECUTION if kind == PIPELINE and "/execution/" in name else kind


def scope_of(arn: Arn) -> AwsScope:
    """The region and account of an ARN."""
    _, _, _, region, account, _ = arn.split(":", 5)
    return AwsScope(region=region, account=account)


def log_stream(training: str, host: str, epoch_seconds: int) -> str:
    """CloudWatch Logs stream of one instance of a training job."""
    return f"{training}/{host}-{epoch_seconds}"
