"""The one owner of names and ARNs."""

import re
from dataclasses import dataclass

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
METRIC_NAMESPACE = "/aws/sagemaker/TrainingJobs"
OBJECTIVE_STATIC = "_tuning_objective_metric"
OBJECTIVE_METRIC = "ObjectiveMetric"

_ARN = re.compile(r"arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:\d{12}:(hyper-parameter-tuning-job|training-job)/(.+)")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a resource seems to live: a region and an account."""

    region: str
    account: str

    def tuning_arn(self, name: str) -> str:
        """ARN of a tuning job; its last part is lower case."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:hyper-parameter-tuning-job/{name.lower()}"

    def training_arn(self, name: str) -> str:
        """ARN of a training job; its last part is lower case."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:training-job/{name.lower()}"


def child_name(tuning: str, index: int, token: str) -> str:
    """Name of the index-th training job (from 1) of a tuning job; token is 8 lower-case hexadecimal digits."""
    return f"{tuning}-{index:03d}-{token}"


def parse_arn(arn: str) -> tuple[str, str] | None:
    """(kind, lower-case name) of a tuning or training job's ARN; None for any other resource."""
    found = _ARN.fullmatch(arn)
    return (found[1], found[2].lower()) if found else None


def log_stream(training: str, epoch_seconds: int) -> str:
    """CloudWatch Logs stream of a training job's only instance."""
    return f"{training}/algo-1-{epoch_seconds}"
