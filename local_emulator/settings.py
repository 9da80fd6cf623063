"""All settings, in one frozen dataclass; the only reader of the environment."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT = "123456789012"
DEFAULT_PORT = 4577
_OF_PIP = {
    "CACHE_DIR", "CERT", "CLIENT_CERT", "CONFIG_FILE", "CONSTRAINT", "DEFAULT_TIMEOUT", "EXTRA_INDEX_URL", "FIND_LINKS", "INDEX_URL",
    "NO_BINARY", "NO_CACHE_DIR", "NO_INDEX", "ONLY_BINARY", "PREFER_BINARY", "PROXY", "RETRIES", "TIMEOUT", "TRUSTED_HOST",
}  # fmt: skip
_MOST_TIME_SCALE = 1_000_000  # a job of some days then ends before the year 9999, the last that dates can have


def default_state() -> Path:
    """`$SM_EMULATOR_STATE`, or `sm-tuning` below the user's state folder."""
    if chosen := os.environ.get("SM_EMULATOR_STATE"):
        return Path(chosen)
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "sm-tuning"


def forced_account() -> str | None:
    """`$MOTO_ACCOUNT_ID`, which moto takes for the account of every request; None if it is not set."""
    return os.environ.get("MOTO_ACCOUNT_ID")


def default_account() -> str:
    """`$MOTO_ACCOUNT_ID`, or moto's own."""
    return forced_account() or ACCOUNT


def visible_gpus() -> tuple[str, ...]:
    """The NVIDIA GPUs of this machine that this process may use: `$CUDA_VISIBLE_DEVICES`, or all."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return tuple(name.strip() for name in chosen.split(",") if name.strip())
    return tuple(sorted((path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*")), key=int))


def pip_variables() -> dict[str, str]:
    """Where this user's pip finds packages and keeps what it has downloaded, for a pip with another HOME."""
    home, configuration = Path.home(), Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    files = [path for path in (configuration / "pip" / "pip.conf", home / ".pip" / "pip.conf") if path.is_file()]
    proxy = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")
    return {
        "PIP_CACHE_DIR": str(Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "pip"),
        **({"PIP_CONFIG_FILE": str(files[0])} if files else {}),
        **({"PIP_PROXY": proxy} if proxy else {}),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        **{name: value for name, value in os.environ.items() if name.startswith("PIP_") and name[4:] in _OF_PIP},
    }


@dataclass(frozen=True, kw_only=True)
class Quotas:
    """Quotas of the account; AWS's defaults.

    Args:
        tuning_jobs: Tuning jobs that run at a time.
        parallel_training_jobs: Training jobs that a tuning job runs at a time.
        training_jobs: Training jobs of a tuning job.
        random_training_jobs: Training jobs of a tuning job with the strategy Random.
        instances: Instances that train at a time, and that process, by the instance type; types not named are not limited.
    """

    tuning_jobs: int = 100
    parallel_training_jobs: int = 10
    training_jobs: int = 750
    random_training_jobs: int = 750
    instances: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Faults to inject, to test how a client handles them: probabilities from 0 to 1, and a delay.

    Args:
        throttle: A request is answered with ThrottlingException.
        capacity: A training job finds no instance.
        internal: A run ends with InternalServerError.
        interrupt: A run of a managed spot training job is interrupted.
        delay: Seconds that an instance takes to come.
    """

    throttle: float = 0.0
    capacity: float = 0.0
    internal: float = 0.0
    interrupt: float = 0.0
    delay: float = 0.0


@dataclass(frozen=True)
class Python:
    """Script mode with a Python of its own.

    Args:
        path: An interpreter, or the folder of a virtual environment.
    """

    path: str

    @property
    def interpreter(self) -> str:
        """The interpreter's path."""
        return str(Path(self.path) / "bin" / "python") if Path(self.path).is_dir() else self.path


@dataclass(frozen=True)
class Docker:
    """A container on Docker Engine.

    Args:
        image: The image; None for the request's.
    """

    image: str | None = None


Metrics = Mapping[str, float]
TrainingFunction = Callable[[Mapping[str, str]], Metrics | Iterable[Metrics | str | None] | str | None]
"""Trains with the hyperparameters that a container would see, texts all of them; returns the metrics, or reports them step by step.

What it reports is printed to the job's log, in lines in which the job's metric definitions find the values; a text is a line as it
is, None is no line.
An exception is what it is in a script: the job fails with AlgorithmError.
"""


@dataclass(frozen=True)
class LambdaModule:
    """A function, called in a process of its own.

    Args:
        module: The module that has it.
        function: Its name there; it takes an event and a context.
        folder: Where the module is looked for first.
    """

    module: str
    function: str
    folder: str


LambdaStandIn = LambdaModule | Callable[[Any, Any], Any]
"""What stands in for a function of AWS Lambda."""

StandIn = tuple[str, ...] | Python | Docker | TrainingFunction  # the first: a command of this machine


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How an emulator behaves.

    Args:
        state: The state folder.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        account: Number of the account, 12 digits.
        region: Region of requests that name none.
        parallel: Runs of all jobs together at a time.
        stop_grace: Seconds from SIGTERM to SIGKILL.
        log_limit: Bytes that are kept of a training job's log.
        disk_floor: Bytes of free disk below which runs end.
        threads: Threads of BLAS and its like in each run; None for cores / `parallel`.
        gpus: GPUs that are dealt out to the runs, each getting its share of them.
        private_opt_ml: Whether each run has an `/opt/ml` of its own, where the machine allows it.
        fork_server: Whether Python scripts are forked from processes that have imported their modules.
        pretend: Whether operations that would run what nothing here runs (endpoints, processing jobs, …) are answered by moto, whose
            answers are invented, instead of being refused.
        check_roles: Whether a role that IAM here does not know is refused.
        python: Interpreter for script mode; None for this one.
        images: What stands in for images, by a shell-style pattern of their URIs; the first match counts. An image that none
            matches runs in script mode, or as the stand-in of a built-in algorithm. Functions stand in only inside tests, where
            they are called in this process.
        functions: What stands in for functions of AWS Lambda, by their names: pipelines' Lambda steps call it.
        file_systems: Folders of this machine that stand for file systems of EFS and FSx for Lustre, by their ids; a training job that
            may write to a file system writes to the folder.
        s3_endpoint: Somebody else's S3, where the data, sources and models of training jobs live then; None for our own.
        scheduler: Address of a Dask cluster whose workers run the training jobs; None for this machine.
        advertise: This emulator's URL as those workers see it; None if they are on this machine too.
        allowed_hosts: Further names by which the emulator may be called (the header `Host`).
        allowed_users: Users of this machine who are answered, beside this one and root, by name or number.
        quotas: Quotas of the account.
        faults: Faults to inject.
        idle_exit: Seconds without a request or a run after which the emulator ends by itself; None for never.
        time_scale: How many times as fast as the clock the time of day runs for jobs: their times and limits, but neither programs nor
            `stop_grace`. Only inside tests.

    Raises:
        ValueError: `time_scale` is not a number greater than 0 and at most 1,000,000.
    """

    state: Path = field(default_factory=default_state)
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    account: str = field(default_factory=default_account)
    region: str = "us-east-1"
    parallel: int = field(default_factory=lambda: os.cpu_count() or 1)
    stop_grace: float = 120.0
    log_limit: int = 64 * 2**20
    disk_floor: int = 2**30
    threads: int | None = None  # for BLAS and friends in each run; None: cores / parallel
    gpus: tuple[str, ...] = field(default_factory=visible_gpus)
    private_opt_ml: bool = True
    fork_server: bool = True
    check_roles: bool = False
    pretend: bool = False
    python: str | None = None  # interpreter for script mode; None: this one
    images: Mapping[str, StandIn] = field(default_factory=dict)
    functions: Mapping[str, LambdaStandIn] = field(default_factory=dict)
    file_systems: Mapping[str, Path] = field(default_factory=dict)
    s3_endpoint: str | None = None
    scheduler: str | None = None
    advertise: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    allowed_users: tuple[str, ...] = ()  # beside this one and root, by name or number
    quotas: Quotas = field(default_factory=Quotas)
    faults: Faults = field(default_factory=Faults)
    idle_exit: float | None = None  # end by itself after this long without a request or a run; None: never
    time_scale: float = 1.0

    def __post_init__(self) -> None:
        scale: object = self.time_scale
        if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale <= _MOST_TIME_SCALE:
            raise ValueError(f"time_scale={scale!r}: it must be a number greater than 0 and at most {_MOST_TIME_SCALE:,}")
