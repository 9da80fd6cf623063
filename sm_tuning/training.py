"""What one training job needs: script, data, machine, image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sm_tuning.errors import Invalid

# Accounts that hold AWS's scikit-learn images, from AWS's list of Docker registry paths.
_SKLEARN_ACCOUNTS = {
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-west-1": "746614075791",
    "us-west-2": "246618743249",
    "ca-central-1": "341280168497",
    "eu-central-1": "492215442770",
    "eu-north-1": "662702820516",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-south-1": "720646828776",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "sa-east-1": "737474898029",
}


def sklearn_image(region: str = "us-east-1", version: str = "1.2-1") -> str:
    """URI of AWS's scikit-learn image in a region; raises Invalid for a region not listed here."""
    account = _SKLEARN_ACCOUNTS.get(region)
    if account is None:
        raise Invalid(f"region is {region!r}, whose image account is not known here; give image= yourself")
    return f"{account}.dkr.ecr.{region}.amazonaws.com/sagemaker-scikit-learn:{version}-cpu-py3"


@dataclass(frozen=True)
class Script:
    """A training script on this machine, run in script mode.

    `entry` is the file to start; with `source`, a folder that is sent whole, `entry` is a path inside it.
    """

    entry: str
    source: str | None = None

    @property
    def program(self) -> str:
        """The entry point inside the archive."""
        return self.entry if self.source is not None else Path(self.entry).name


@dataclass(frozen=True)
class Channel:
    """Input data: an `s3://` prefix, or a local file or folder that is uploaded at launch."""

    name: str
    source: str
    content_type: str | None = None
    input_mode: str | None = None
    distribution: str = "FullyReplicated"
    data_type: str = "S3Prefix"

    @property
    def local(self) -> bool:
        """Whether the data lie on this machine."""
        return not self.source.startswith("s3://")

    def request(self, uri: str) -> Mapping[str, Any]:
        """The channel in AWS's form, its data at a URI."""
        source = {"S3DataType": self.data_type, "S3Uri": uri, "S3DataDistributionType": self.distribution}
        optional = {"ContentType": self.content_type, "InputMode": self.input_mode}
        return {
            "ChannelName": self.name,
            "DataSource": {"S3DataSource": source},
            **{name: value for name, value in optional.items() if value is not None},
        }


@dataclass(frozen=True, kw_only=True)
class Resources:
    """The machine of each training job, and for how long. Times in seconds, volume in GB.

    With `spot`, `max_wait` bounds waiting and training together; a spot job without checkpoints begins anew when interrupted.
    """

    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    volume_gb: int = 30
    max_runtime: int = 3600
    spot: bool = False
    max_wait: int | None = None
    checkpoints: str | None = None

    def __post_init__(self) -> None:
        if self.spot and self.max_wait is None:
            object.__setattr__(self, "max_wait", 2 * self.max_runtime)


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where training jobs may connect to."""

    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    isolated: bool = False
    encrypted: bool = False


@dataclass(frozen=True, kw_only=True)
class Completion:
    """When to end before `max_jobs`: any one criterion suffices.

    Args:
        target: A value of the objective that is good enough.
        not_improving: This many training jobs (3 or more) without an improvement of the best.
        on_convergence: No significant improvement is to be expected.
        max_runtime: Seconds that the whole tuning job may take (120 or more).
    """

    target: float | None = None
    not_improving: int | None = None
    on_convergence: bool = False
    max_runtime: int | None = None

    def request(self) -> Mapping[str, Any]:
        """TuningJobCompletionCriteria; empty if there are none."""
        found: dict[str, Any] = {}
        if self.target is not None:
            found["TargetObjectiveMetricValue"] = self.target
        if self.not_improving is not None:
            found["BestObjectiveNotImproving"] = {"MaxNumberOfTrainingJobsNotImproving": self.not_improving}
        if self.on_convergence:
            found["ConvergenceDetected"] = {"CompleteOnConvergence": "Enabled"}
        return found


@dataclass(frozen=True, kw_only=True)
class Encryption:
    """KMS keys for what training jobs write: to S3, and on their volumes."""

    output_key: str | None = None
    volume_key: str | None = None
