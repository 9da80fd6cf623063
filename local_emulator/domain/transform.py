"""A transform job: its request and its state."""

from dataclasses import dataclass, field

from local_emulator.domain.jobs import Document, RunJob
from local_emulator.domain.spec import S3DataSource


@dataclass(frozen=True, kw_only=True)
class TransformOptions:
    """How files are sent and answers kept. Of what is None the server may say; `max_payload` is in MiB, `timeout` in seconds."""

    content_type: str | None = None
    accept: str | None = None
    gzip: bool = False
    split: str = "None"
    assemble: str = "None"
    strategy: str | None = None
    max_payload: int | None = None
    max_concurrent: int | None = None
    timeout: float = 600.0
    retries: int = 3
    input_filter: str = "$"
    output_filter: str = "$"
    join: bool = False


@dataclass(frozen=True, kw_only=True)
class TransformSpec(TransformOptions):
    """The parsed request."""

    source: S3DataSource
    output: str
    instance_type: str
    instance_count: int


@dataclass(frozen=True, kw_only=True)
class TransformJob(RunJob):
    """A transform job. `spec` is the parsed form of `request`, not stored; `model` is the request that made its model."""

    model: Document = field(repr=False)
    spec: TransformSpec = field(repr=False)
