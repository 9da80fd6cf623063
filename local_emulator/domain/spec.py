"""The parsed request of a training job: CreateTrainingJob, or a definition of a tuning job.

Members have AWS's names. Absent structures have AWS's defaults; the rules of requests check what is required.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from local_emulator.domain.jobs import MetricDefinition

ML = "/opt/ml"


@dataclass(frozen=True, kw_only=True)
class AlgorithmSpec:
    """The program: image (or AlgorithmName), command of the container if the request has one, and metrics."""

    image: str = ""
    training_input_mode: str = "File"
    container_entrypoint: tuple[str, ...] = ()
    container_arguments: tuple[str, ...] = ()
    metric_definitions: tuple[MetricDefinition, ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        """Entrypoint and arguments of the container; empty without an entrypoint."""
        return (*self.container_entrypoint, *self.container_arguments) if self.container_entrypoint else ()


@dataclass(frozen=True, kw_only=True)
class S3DataSource:
    """Objects of S3: below a prefix, or listed in a manifest. Only instances of `instance_group_names` get them, if there are any.

    `attribute_names` are those of an augmented manifest that a training job reads, in the order in which it does.
    """

    s3_uri: str
    s3_data_type: str = "S3Prefix"
    s3_data_distribution_type: str = "FullyReplicated"
    instance_group_names: tuple[str, ...] = ()
    attribute_names: tuple[str, ...] = ()

    @property
    def sharded(self) -> bool:
        """Whether each host gets a part of the objects."""
        return self.s3_data_distribution_type == "ShardedByS3Key"


@dataclass(frozen=True, kw_only=True)
class FileSystemDataSource:
    """A folder of an EFS or FSx for Lustre file system; every instance gets it."""

    file_system_id: str
    directory_path: str
    writable: bool = False

    sharded = False
    s3_data_distribution_type = "FullyReplicated"
    instance_group_names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Channel:
    """An input channel. `input_mode` is the algorithm's unless the channel has an own one; `shuffle_seed` is of its ShuffleConfig."""

    channel_name: str
    source: S3DataSource | FileSystemDataSource
    input_mode: str = "File"
    content_type: str | None = None
    compression_type: str = "None"
    record_wrapper_type: str = "None"
    shuffle_seed: int | None = None

    @property
    def piped(self) -> bool:
        """Whether the program reads it from FIFOs."""
        return self.input_mode == "Pipe"


@dataclass(frozen=True, kw_only=True)
class OutputConfig:
    """Location of models and output: as an archive if `compressed`, else as files."""

    s3_output_path: str = ""
    compressed: bool = True


@dataclass(frozen=True, kw_only=True)
class CheckpointConfig:
    """Locations of checkpoints in S3 and in the container (None: AWS's default)."""

    s3_uri: str
    local_path: str | None = None

    @property
    def path(self) -> str:
        """Folder in the container."""
        return f"{ML}/checkpoints" if self.local_path is None else self.local_path


@dataclass(frozen=True, kw_only=True)
class InstanceGroup:
    """Instances of one type. `volume_size` is in GiB; None if the group has none of its own. `name` is that of one of several."""

    instance_type: str
    instance_count: int = 1
    volume_size: int | None = None
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Host:
    """One instance of a training job."""

    name: str = "algo-1"
    group: str = "homogeneousCluster"
    instance_type: str = "local"


@dataclass(frozen=True, kw_only=True)
class ResourceConfig:
    """Instances of a training job.

    The job runs on all `groups` (several only with InstanceGroups), or on the first of `alternatives` (InstancePreferences, or
    InstanceConfigs of a tuning job) that has capacity. `instance_type` is the type of the only instance, None if not yet selected.
    `volume_size` is in GiB, `keep_alive_period` in seconds.
    """

    groups: tuple[InstanceGroup, ...] = ()
    alternatives: tuple[InstanceGroup, ...] = ()
    instance_type: str | None = None
    volume_size: int = 30
    keep_alive_period: int = 0
    training_plan_arn: str | None = None

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The instances, at least one. Of alternatives the largest counts, until one is selected."""
        groups = self.groups or sorted(self.alternatives, key=lambda group: -group.instance_count)[:1]
        kinds = [(group.name or Host.group, group.instance_type) for group in groups for _ in range(group.instance_count)]
        return tuple(
            Host(name=f"algo-{number}", group=group, instance_type=kind)
            for number, (group, kind) in enumerate(kinds or [(Host.group, self.instance_type or Host.instance_type)], 1)
        )


@dataclass(frozen=True, kw_only=True)
class StoppingCondition:
    """Limits in seconds; None: none."""

    max_runtime: int | None = None
    max_wait_time: int | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """A request for training. In a definition of a tuning job `hyperparameters` are the static ones."""

    role_arn: str = ""
    algorithm: AlgorithmSpec = AlgorithmSpec()
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[Channel, ...] = ()
    output: OutputConfig = OutputConfig()
    checkpoints: CheckpointConfig | None = None
    resources: ResourceConfig = ResourceConfig()
    stopping: StoppingCondition = StoppingCondition()
    maximum_retry_attempts: int = 0
    managed_spot: bool = False
    network_isolation: bool = False
    profiler: bool = False
