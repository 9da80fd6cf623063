"""What a training job is asked to do: CreateTrainingJob, or a definition of a tuning job, in domain terms.

Members have AWS's names. Absent structures have AWS's defaults; what must be there is for the rules of requests to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from local_emulator.domain.jobs import MetricDefinition

ML = "/opt/ml"


@dataclass(frozen=True, kw_only=True)
class AlgorithmSpec:
    """The program: an image (or an AlgorithmName), its command if the request names one, and the metrics that it prints."""

    image: str = ""
    training_input_mode: str = "File"
    container_entrypoint: tuple[str, ...] = ()
    container_arguments: tuple[str, ...] = ()
    metric_definitions: tuple[MetricDefinition, ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        """The command that the request names for its container; empty if it names none."""
        return (*self.container_entrypoint, *self.container_arguments) if self.container_entrypoint else ()


@dataclass(frozen=True, kw_only=True)
class S3DataSource:
    """Objects of S3: those below a prefix, or those that a manifest lists."""

    s3_uri: str
    s3_data_type: str = "S3Prefix"
    s3_data_distribution_type: str = "FullyReplicated"


@dataclass(frozen=True, kw_only=True)
class Channel:
    """Data of a training job, and how its program gets them. `input_mode` is the algorithm's unless the channel has its own."""

    channel_name: str
    source: S3DataSource
    input_mode: str = "File"
    content_type: str | None = None
    record_wrapper_type: str = "None"


@dataclass(frozen=True, kw_only=True)
class OutputConfig:
    """Where models and output go. Not `compressed`: as files, not as an archive."""

    s3_output_path: str = ""
    compressed: bool = True


@dataclass(frozen=True, kw_only=True)
class CheckpointConfig:
    """Where checkpoints are kept in S3, and the folder of them in the container (None: AWS's default)."""

    s3_uri: str
    local_path: str | None = None

    @property
    def path(self) -> str:
        """The folder in the container."""
        return f"{ML}/checkpoints" if self.local_path is None else self.local_path


@dataclass(frozen=True, kw_only=True)
class InstanceGroup:
    """Instances of one type. `volume_size` is in GiB, None where a group does not say."""

    instance_type: str
    instance_count: int = 1
    volume_size: int | None = None


@dataclass(frozen=True, kw_only=True)
class ResourceConfig:
    """The machines of a training job.

    It runs on all of its `groups` (one, but for InstanceGroups), or on the first of its `alternatives` (InstancePreferences, or
    InstanceConfigs of a tuning job) that has capacity. `instance_type` is the type of its instance as far as that is known.
    `volume_size` is in GiB, `keep_alive_period` in seconds.
    """

    groups: tuple[InstanceGroup, ...] = ()
    alternatives: tuple[InstanceGroup, ...] = ()
    instance_type: str | None = None
    volume_size: int = 30
    keep_alive_period: int = 0
    training_plan_arn: str | None = None


@dataclass(frozen=True, kw_only=True)
class StoppingCondition:
    """Limits in seconds; None: none."""

    max_runtime: int | None = None
    max_wait_time: int | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """A request for training.

    `hyperparameters` are the static ones in a definition of a tuning job. `profiler`: whether the job is profiled.
    """

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
