"""A processing job: its request and its state."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from local_emulator.domain.jobs import RunJob
from local_emulator.domain.spec import ML, Host, S3DataSource

PROCESSING = f"{ML}/processing"


@dataclass(frozen=True, kw_only=True)
class ProcessingInput:
    """What is brought from S3 to a folder of the container; `local_path` None if the program itself fetches it (AppManaged)."""

    name: str
    source: S3DataSource
    local_path: str | None
    input_mode: str = "File"


@dataclass(frozen=True, kw_only=True)
class ProcessingOutput:
    """What is brought to S3 from a folder of the container; `local_path` None if the program itself does (AppManaged)."""

    name: str
    s3_uri: str
    local_path: str | None
    continuous: bool = False


@dataclass(frozen=True, kw_only=True)
class ProcessingSpec:
    """The parsed request. `volume_size` is in GiB, `max_runtime` in seconds."""

    role_arn: str
    image: str
    entrypoint: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[ProcessingInput, ...] = ()
    outputs: tuple[ProcessingOutput, ...] = ()
    instance_type: str = Host.instance_type
    instance_count: int = 1
    volume_size: int = 30
    max_runtime: float | None = None
    network_isolation: bool = False

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The instances."""
        return tuple(
            Host(name=f"algo-{number}", instance_type=self.instance_type) for number in range(1, self.instance_count + 1)
        )


@dataclass(frozen=True, kw_only=True)
class ProcessingJob(RunJob):
    """A processing job. `spec` is the parsed form of `request`, not stored."""

    spec: ProcessingSpec = field(repr=False)

    @property
    def max_runtime(self) -> float | None:
        """MaxRuntimeInSeconds."""
        return self.spec.max_runtime

    @property
    def slots(self) -> int:
        """Number of its hosts."""
        return self.spec.instance_count
