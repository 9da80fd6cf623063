"""What emulator and worker send each other about runs. Both have the same version of this package."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from local_emulator.domain.training import TimeBudget, TrainingJob
from local_emulator.runs.run import Cause, Exit
from local_emulator.settings import Settings

TOPIC = "sm-tuning"
"""Dask's topic on which workers say that there is news of a run."""


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """A training job to run. `endpoint` is the emulator's address as workers see it, `version` that of its package."""

    job: TrainingJob
    budget: TimeBudget
    settings: Settings
    endpoint: str | None
    version: str


@dataclass(frozen=True, kw_only=True)
class PollRequest:
    """A poll of one run.

    `claim` is the task that may run it (None: the emulator has chosen none), `stop` why it is to end, `sizes` how many bytes of
    its files the emulator has.
    """

    claim: str | None = None
    stop: Cause | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """How a run ended (None: it is lost), its `run.json` and what it wrote to `/opt/ml/output/failure`."""

    exit: Exit | None
    run_json: bytes = b""
    failure: bytes = b""


@dataclass(frozen=True, kw_only=True)
class PollReply:
    """The state of one run on a worker.

    `claim` is the task that has come for it; `files` is what came after the polled sizes, `logs` are the files of its log that are
    still kept, `more` says that there is more to fetch, `result` how it ended, if it has.
    """

    claim: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    logs: Collection[str] = ()
    more: bool = False
    result: RunResult | None = None
