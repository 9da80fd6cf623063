"""What one training job needs: script, data, machine, image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from sm_tuning.errors import Invalid
from sm_tuning.spec.value_types import integral

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


def given(**members: object) -> dict[str, Any]:
    """Those members that have a value."""
    return {name: value for name, value in members.items() if value is not None}


def _as_text(builder: object, *names: str) -> None:
    """Take a Path for the text that a member is declared to be."""
    for name in names:
        if isinstance(path := getattr(builder, name), Path):
            object.__setattr__(builder, name, str(path))


@dataclass(frozen=True)
class Script:
    """A training script on this machine, run in script mode.

    `entry` is the file to start; the modules beside it that it imports are sent with it. With `source`, a folder that is sent whole,
    `entry` is a path inside it.
    """

    entry: str
    source: str | None = None

    def __post_init__(self) -> None:
        _as_text(self, "entry", "source")

    @property
    def program(self) -> str:
        """The entry point inside the archive."""
        return self.entry if self.source is not None else Path(self.entry).name


@dataclass(frozen=True)
class FileSystem:
    """A folder of an EFS or FSx for Lustre file system (`kind` is `EFS` or `FSxLustre`; `access` is `ro` or `rw`)."""

    id: str
    path: str
    kind: str = "EFS"
    access: str = "ro"

    def request(self) -> Mapping[str, Any]:
        """The source in AWS's form."""
        return {
            "FileSystemId": self.id,
            "FileSystemAccessMode": self.access,
            "FileSystemType": self.kind,
            "DirectoryPath": self.path,
        }


@dataclass(frozen=True)
class Dataset:
    """A dataset of a SageMaker hub, by its ARN."""

    arn: str

    def request(self) -> Mapping[str, Any]:
        """The source in AWS's form."""
        return {"DatasetArn": self.arn}


@dataclass(frozen=True)
class Channel:
    """Input data: an `s3://` prefix, a local file or folder that is uploaded at launch, a file system or a hub's dataset.

    Args:
        name: The channel; the script finds its data in `/opt/ml/input/data/<name>` and `SM_CHANNEL_<NAME>`.
        source: Where the data lie.
        content_type: MIME type, for built-in algorithms.
        input_mode: `File`, `FastFile` or `Pipe`; None for the definition's.
        distribution: `FullyReplicated` or `ShardedByS3Key`.
        data_type: `S3Prefix`, `ManifestFile`, `AugmentedManifestFile` or `Converse`.
        compression: `Gzip`, or None.
        record_wrapper: `RecordIO`, or None.
        shuffle_seed: Seed with which the order of the data is shuffled in every epoch; None for no shuffling.
        attributes: Names of the attributes to read of an augmented manifest.
        groups: Names of the instance groups that get the channel; all if empty.
        accept_eula: Whether a licence that the data ask for is accepted; None if they ask for none.
        hub_content: ARN of the hub content that the data belong to.
    """

    name: str
    source: str | FileSystem | Dataset
    content_type: str | None = None
    input_mode: str | None = None
    distribution: str = "FullyReplicated"
    data_type: str = "S3Prefix"
    compression: str | None = None
    record_wrapper: str | None = None
    shuffle_seed: int | None = None
    attributes: Sequence[str] = ()
    groups: Sequence[str] = ()
    accept_eula: bool | None = None
    hub_content: str | None = None

    def __post_init__(self) -> None:
        _as_text(self, "source")

    @property
    def path(self) -> Path | None:
        """Where the data lie on this machine; None if they lie elsewhere."""
        return Path(self.source) if isinstance(self.source, str) and not self.source.startswith("s3://") else None

    def uri(self, prefix: str) -> str:
        """Where the data lie in S3 (empty if elsewhere); local data are uploaded below the prefix."""
        if self.path is not None:
            return f"{prefix}/input/{self.name}"
        return self.source if isinstance(self.source, str) else ""

    def request(self, prefix: str) -> Mapping[str, Any]:
        """The channel in AWS's form."""
        shuffle = None if self.shuffle_seed is None else {"Seed": self.shuffle_seed}
        return {"ChannelName": self.name, "DataSource": self._data_source(prefix)} | given(
            ContentType=self.content_type,
            CompressionType=self.compression,
            RecordWrapperType=self.record_wrapper,
            InputMode=self.input_mode,
            ShuffleConfig=shuffle,
        )

    def _data_source(self, prefix: str) -> Mapping[str, Any]:
        if isinstance(self.source, FileSystem):
            return {"FileSystemDataSource": dict(self.source.request())}
        if isinstance(self.source, Dataset):
            return {"DatasetSource": dict(self.source.request())}
        source = {"S3DataType": self.data_type, "S3Uri": self.uri(prefix), "S3DataDistributionType": self.distribution}
        return {
            "S3DataSource": source
            | given(
                AttributeNames=list(self.attributes) or None,
                InstanceGroupNames=list(self.groups) or None,
                ModelAccessConfig=None if self.accept_eula is None else {"AcceptEula": self.accept_eula},
                HubAccessConfig=None if self.hub_content is None else {"HubContentArn": self.hub_content},
            )
        }


@dataclass(frozen=True)
class Instance:
    """Machines of one type. `volume_gb` counts for `alternatives` only, `training_plans` (ARNs) for `preferences` only."""

    type: str
    count: int = 1
    volume_gb: int = 30
    training_plans: Sequence[str] = ()


@dataclass(frozen=True)
class InstanceGroup:
    """Machines of one type in a cluster of several types; channels and scripts know it by its name."""

    name: str
    type: str
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Placement:
    """On which UltraServers instances are placed: how many on each, by its id."""

    servers: Mapping[str, int] = field(default_factory=dict)
    several_jobs: bool = False

    def request(self) -> Mapping[str, Any]:
        """InstancePlacementConfig in AWS's form."""
        specifications = [{"UltraServerId": server, "InstanceCount": count} for server, count in self.servers.items()]
        return {"EnableMultipleJobs": self.several_jobs} | given(PlacementSpecifications=specifications or None)


@dataclass(frozen=True, kw_only=True)
class Resources:
    """The machine of each training job, and for how long. Times in seconds, volumes in GB.

    Args:
        instance_type: The machine.
        instance_count: How many of them.
        volume_gb: Disk of each.
        max_runtime: How long a training job may run.
        max_pending: How long a training job may wait for capacity of a training plan.
        spot: Whether to take spare capacity, which is cheaper and may be taken back.
        max_wait: With `spot`, bounds waiting and training together; twice `max_runtime` unless given.
        checkpoints: `s3://` prefix that the script's checkpoints are kept in; without it an interrupted job begins anew.
        checkpoint_path: Where the script writes them; None for `/opt/ml/checkpoints`.
        keep_alive: How long an instance is kept warm for the next training job.
        alternatives: Machines to try, in this order, when there is no capacity for the first.
        groups: A cluster of several types, in place of `instance_type` and `instance_count`.
        training_plan: ARN of the training plan whose capacity is taken.
        placement: On which UltraServers.
        preferences: Machines to choose from, in place of `instance_type` and `instance_count`.
    """

    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    volume_gb: int = 30
    max_runtime: int = 3600
    max_pending: int | None = None
    spot: bool = False
    max_wait: int | None = None
    checkpoints: str | None = None
    checkpoint_path: str | None = None
    keep_alive: int | None = None
    alternatives: Sequence[Instance] = ()
    groups: Sequence[InstanceGroup] = ()
    training_plan: str | None = None
    placement: Placement | None = None
    preferences: Sequence[Instance] = ()

    def __post_init__(self) -> None:
        if self.spot is True and self.max_wait is None and integral(self.max_runtime):
            object.__setattr__(self, "max_wait", 2 * self.max_runtime)
        only_without = {
            name: getattr(self, name) for name in ("keep_alive", "groups", "training_plan", "placement", "preferences")
        }
        clash = [name for name, value in only_without.items() if value] if self.alternatives else []
        if clash:
            raise Invalid(f"alternatives and {clash[0]} are both given; AWS has no request for the two together")
        if self.groups and self.preferences:
            raise Invalid("groups and preferences are both given; AWS takes one of them")

    def request(self, volume_key: str | None) -> Mapping[str, Any]:
        """ResourceConfig, or HyperParameterTuningResourceConfig if there are alternatives, with the member's name."""
        if self.alternatives:
            first = Instance(self.instance_type, self.instance_count, self.volume_gb)
            several = [
                {"InstanceType": one.type, "InstanceCount": one.count, "VolumeSizeInGB": one.volume_gb}
                for one in (first, *self.alternatives)
            ]
            config = {"AllocationStrategy": "Prioritized", "InstanceConfigs": several} | given(VolumeKmsKeyId=volume_key)
            return {"HyperParameterTuningResourceConfig": config}
        single = {"InstanceType": self.instance_type, "InstanceCount": self.instance_count}
        groups = [{"InstanceGroupName": one.name, "InstanceType": one.type, "InstanceCount": one.count} for one in self.groups]
        preferences = [
            {"InstanceType": one.type, "InstanceCount": one.count} | given(TrainingPlanArns=list(one.training_plans) or None)
            for one in self.preferences
        ]
        return {
            "ResourceConfig": ({} if groups or preferences else single)
            | {"VolumeSizeInGB": self.volume_gb}
            | given(
                VolumeKmsKeyId=volume_key,
                KeepAlivePeriodInSeconds=self.keep_alive,
                InstanceGroups=groups or None,
                TrainingPlanArn=self.training_plan,
                InstancePlacementConfig=None if self.placement is None else dict(self.placement.request()),
                InstancePreferences=preferences or None,
            )
        }


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


@dataclass(frozen=True)
class WarmStart:
    """Finished tuning jobs, one to five, whose training jobs are learnt from: as they are, or as a hint (`TransferLearning`)."""

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
