"""A run, how it ends, and what executes it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program on this machine: its arguments, and the code folder that it starts in (None: its home)."""

    argv: tuple[str, ...]
    cwd: str | None = None


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container of an image on Docker Engine, with the folder's `ml` mounted at `/opt/ml`.

    `entrypoint` replaces the image's own (empty: it is kept), `argv` its command. Without `network` it reaches nothing; with
    it, it shares this machine's, so that it finds the emulator.
    """

    image: str
    argv: tuple[str, ...] = ("train",)
    entrypoint: tuple[str, ...] = ()
    network: bool = True


class Mode(StrEnum):
    """What kind of program a run is, which decides who tells why it failed."""

    PROGRAM = "program"  # a whole image's, which speaks for itself
    SCRIPT = "script"  # the user's script, for which the training toolkit of AWS's images speaks
    ALGORITHM = "algorithm"  # a built-in one, which says by its exit code whose fault it is


class Contract(StrEnum):
    """What lies where in a run's `/opt/ml`, what becomes of it, and what ends the run."""

    TRAINING = "training"  # `model` and `output/data` are packed when the program has ended
    PROCESSING = "processing"  # the program's outputs stay where they are until its job has collected them
    SERVING = "serving"  # the program listens on a port until it is stopped


class Cause(StrEnum):
    """Why a program ended."""

    EXIT = "exit"  # by itself
    STOP = "stop"  # somebody asked
    INTERRUPT = "interrupt"  # a spot instance was taken away
    MAX_RUNTIME = "max-runtime"
    MAX_WAIT = "max-wait"
    DISK = "disk"  # it filled the disk or its share of it
    START = "start"  # it could not be started; `message` says why
    ENGINE = "engine"  # what runs containers failed; `message` says how
    DATA = "data"  # its FIFOs cannot be fed; `message` says why


@dataclass(frozen=True, kw_only=True)
class Pipe:
    """A channel that a program reads from FIFOs (`runs.pipes`).

    `items` is the file of its items in JSON (`data.manifests.Item`), whose files lie in `folder`; the program gets the part `shard`
    (which, of how many) of them, in every epoch in another order if there is a `seed`.
    """

    channel: str
    items: str
    folder: str
    gzip: bool = False
    record_io: bool = False
    seed: int | None = None
    shard: tuple[int, int] = (0, 1)


@dataclass(frozen=True, kw_only=True)
class HostProgram:
    """What runs on one of several hosts."""

    name: str
    program: Command | Container
    env: Mapping[str, str] = field(default_factory=dict)
    pipes: tuple[Pipe, ...] = ()
    install: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything a supervisor must know. Sizes are bytes, times seconds.

    `id` is the name of its folder. `folder` is that of its evidence (`runs.folder` names what lies in it). `env` is the program's
    whole environment but for what the supervisor adds itself. `max_runtime` and `max_wait` count from now, i.e. what is left of them
    when it starts. `simple_metrics` need no helper to be found (`runs.data.matching`). `checkpoints` is the folder of its
    checkpoints, a path below `ml`. With `opt_ml` the folder's `ml` is mounted over `/opt/ml` for this run alone; `compress` is False
    for OutputDataConfig.CompressionType NONE. `mode` says who tells why it failed. `imports` are the modules that a Python script
    imports when it begins, as `script_imports` names them (None: it is no such script), `fork_server` the socket of the process that
    has imported them. `install` is put in front of the program's command: it installs packages, and becomes the program. `function` is
    called in place of the program, in the emulator's own process.
    With the contract SERVING the supervisor names each program a port (SAGEMAKER_BIND_TO_PORT) and keeps that in its folder
    (`HostFolder.port`).
    `servers` are programs that the run's own starts itself, each as on a host of its own, which has `/opt/ml` then.
    A run on several hosts has `hosts`, each with its own program, environment and pipes. `host` is the one of them that a part of such
    a run is of (`on_hosts`), None where there is only one.
    """

    id: str
    folder: Path
    program: Command | Container
    env: Mapping[str, str] = field(default_factory=dict)
    pipes: tuple[Pipe, ...] = ()
    metrics: tuple[MetricDefinition, ...] = ()
    simple_metrics: bool = False
    max_runtime: float | None = None
    max_wait: float | None = None
    stop_grace: float = Settings.stop_grace
    log_limit: int = Settings.log_limit
    disk_limit: int = 30 * 2**30
    disk_floor: int = Settings.disk_floor
    checkpoints: str = "checkpoints"
    compress: bool = True
    opt_ml: bool = False
    mode: Mode = Mode.PROGRAM
    imports: tuple[str, ...] | None = None
    fork_server: str | None = None
    install: tuple[str, ...] = ()
    function: Callable[[], object] | None = None
    hosts: tuple[HostProgram, ...] = ()
    servers: tuple[HostProgram, ...] = ()
    host: str | None = None
    contract: Contract = Contract.TRAINING

    @property
    def on_hosts(self) -> Sequence["Run"]:
        """The part of the run on each host; the run itself where there is only one."""
        if not self.hosts:
            return [replace(self, opt_ml=False) if self.servers else self]
        return [self._part(host) for host in self.hosts]

    @property
    def on_servers(self) -> Sequence["Run"]:
        """The part of the run that each server is."""
        return [self._part(server) for server in self.servers]

    def _part(self, host: HostProgram) -> "Run":
        part = replace(self, hosts=(), servers=(), host=host.name, program=host.program, env=host.env)
        return replace(part, pipes=host.pipes, install=host.install)

    def deadline(self, now: float) -> tuple[float, Cause] | None:
        """When the program's time is over if it starts now (seconds since the epoch), and why; None if it has no limit."""
        limits = {Cause.MAX_RUNTIME: self.max_runtime, Cause.MAX_WAIT: self.max_wait}
        return min(((now + limit, cause) for cause, limit in limits.items() if limit is not None), default=None)


class RunState(StrEnum):
    """What the evidence in the folder says."""

    NEW = "new"  # nobody has claimed it: it may be started
    RUNNING = "running"  # its supervisor holds the lock
    EXITED = "exited"  # its supervisor wrote how it ended
    LOST = "lost"  # claimed, but its supervisor is gone without a word


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a run ended: `code` as a shell shows it (128 + signal for a death by signal).

    Where there are several hosts, `host` is the first whose program failed, and `code` that program's. `memory` has the most bytes
    that the program of each host had, in their order, of those that began; None of a container.
    """

    cause: Cause
    code: int
    time: datetime
    message: str = ""
    model: bool = False  # model.tar.gz (or model/) was made
    output: bool = False  # output.tar.gz (or output/) was made
    host: str | None = None
    memory: Sequence[int | None] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "memory", tuple(self.memory))  # JSON has lists


class Executor(Protocol):
    """Starts and ends runs, whose folders name them.

    Everything may be repeated; a run happens at most once. Runs outlive their executor, and another one on the same folders finds
    them: tests/contracts/test_executor.py has the laws.
    """

    def start(self, run: Run) -> None:
        """Begin a run that is NEW; return at once."""

    def state(self, folder: Path) -> RunState:
        """Last known state of a run."""

    def stop(self, folder: Path, *, interrupt: bool = False) -> None:
        """Ask a run to end: SIGTERM, then SIGKILL after its grace. With `interrupt` its job is to begin anew."""

    def kill(self, folder: Path) -> bool:
        """Kill everything there is of a run that has not EXITED, also of a LOST one; whether there was anything. Takes its time."""

    def close(self) -> None:
        """Release what this executor holds. Runs go on."""
