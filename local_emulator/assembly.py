"""Creates the parts of an emulator and connects them; the only module that knows all concrete classes."""

import os
import random
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Self

from local_emulator.api.faults import Faults
from local_emulator.api.gateway import Gateway
from local_emulator.api.operations import Api
from local_emulator.cloud.moto_backend import MotoBackend
from local_emulator.dask import cluster
from local_emulator.dask.executor import DaskExecutor
from local_emulator.domain.errors import EmulatorError
from local_emulator.domain.objects import Objects
from local_emulator.engine.cloudwatch import CloudWatchSync
from local_emulator.engine.events import EventPublisher
from local_emulator.engine.faults import FaultLog
from local_emulator.engine.loop import Loop
from local_emulator.engine.pipelines import Pipelines
from local_emulator.engine.processing_jobs import ProcessingJobs
from local_emulator.engine.run_lifecycle import RunLifecycle
from local_emulator.engine.starter import RunStarter
from local_emulator.engine.steps import Launcher
from local_emulator.engine.training_jobs import RunPreparer, TrainingJobs
from local_emulator.engine.transform_jobs import TransformJobs
from local_emulator.engine.tuner import Tuner
from local_emulator.engine.wakeup import Wakeup
from local_emulator.hosting import Hosting
from local_emulator.runs import kernel, mounts
from local_emulator.runs.clock import Clock, TestClock
from local_emulator.runs.data.contents import content
from local_emulator.runs.folder import folders_below
from local_emulator.runs.forkserver.pool import ForkServers
from local_emulator.runs.functions import FunctionExecutor
from local_emulator.runs.hosting.preparation import ServingPreparation
from local_emulator.runs.lambdas import invoked
from local_emulator.runs.preparation import Preparation
from local_emulator.runs.process import ProcessExecutor, living
from local_emulator.runs.processing import ProcessingPreparation
from local_emulator.runs.run import Executor
from local_emulator.runs.transforming.preparation import TransformPreparation
from local_emulator.settings import Settings
from local_emulator.state_folder import StateLock, run_key
from local_emulator.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from local_emulator.domain.jobs import Document
    from local_emulator.domain.names import AwsScope
    from local_emulator.store.base import Change

_CACHES = "cache"  # in the state folder
_SCHEDULER = "scheduler"  # in the state folder: where runs may be beside this machine


def _remote(endpoint: str, region: str) -> Objects:
    from local_emulator.cloud.remote_objects import RemoteObjects  # noqa: PLC0415 - boto3 is a sixth of a start, and only few use another S3

    return RemoteObjects(endpoint, region)


@cache
def _version(distribution: str) -> str:
    return version(distribution)


def token() -> str:
    """32 random hexadecimal digits."""
    return secrets.token_hex(16)


class Emulator:
    """Everything but the port: API, engine, runs, store, and the rest of AWS.

    With `in_memory` nothing of SageMaker's or S3's state is kept on disk (runs still have their folders), and runs end with this
    process or the context. Use it as a context: leaving it ends the loop, and otherwise lets runs go on.
    """

    def __init__(self, settings: Settings, *, in_memory: bool = False, endpoint: Callable[[], str | None] = lambda: None) -> None:
        kernel.check()
        self.settings = settings
        self._stack = ExitStack()
        self._endpoint = endpoint
        self._log = FaultLog()
        before = os.umask(0o077)  # what is made in the state folder from here on is this user's alone
        try:
            self._open_state(in_memory=in_memory)
            self._make_runs(endpoint, in_memory=in_memory)
            self._make_engine(in_memory=in_memory)
            self.api = Api(
                store=self.store,
                settings=settings,
                now=self._clock,
                token=token,
                chance=random.random,
                notify=self._wakeup.notify,
                check=self._preparation.check,
                read=self._read,
                serving=self._serving,
                check_processing=self._processing.check,
                function=self.cloud.function,
            )
        except BaseException:  # raised again when what was opened is closed
            self._stack.close()
            raise
        finally:
            os.umask(before)

    def _open_state(self, *, in_memory: bool) -> None:
        """Lock the state folder and open what lies in it: S3's content, jobs, clock, wakeup."""
        state = self.settings.state
        self.lock = self._stack.enter_context(StateLock(state))
        self.run_key = run_key(state)
        (state / _CACHES / "channels").mkdir(parents=True, exist_ok=True)
        self._changed: SimpleQueue[Change] = SimpleQueue()
        on_unreadable = partial(self._log.report, "reading records")
        self.store = SqliteStore(None if in_memory else state / "jobs.sqlite", self._changed.put, on_unreadable)
        self._stack.callback(self.store.close)
        self.cloud = MotoBackend(self.settings, None if in_memory else state, self._perform, self.store.tagged)
        self._stack.callback(self.cloud.close)
        self._clock = _make_clock(self.settings, in_memory=in_memory)
        self.follow_clock()
        self._clock.share()
        self._wakeup = self._stack.enter_context(Wakeup(state / "wakeup"))

    def _make_runs(self, endpoint: Callable[[], str | None], *, in_memory: bool) -> None:
        """Make what prepares and executes runs."""
        settings, caches = self.settings, self.settings.state / _CACHES
        self._runs = settings.state / "runs"
        self._runs.mkdir(exist_ok=True)
        self._objects = _remote(settings.s3_endpoint, settings.region) if settings.s3_endpoint else self.cloud.objects
        self._support = mounts.Trial(caches / "channels") if settings.private_opt_ml else mounts.not_wanted
        self._preparation = Preparation(
            settings=settings,
            objects=self._objects,
            folder_of_caches=caches,
            endpoint=endpoint,
            run_key=self.run_key,
            support=self._support,
            role_exists=self.cloud.role_exists,
            expect=lambda: self._backend.expect(),  # noqa: PLW0108 - it is made below
            inside_test=in_memory and settings.scheduler is None,
        )
        self._serving = ServingPreparation(
            settings=settings,
            objects=self._objects,
            folder_of_caches=caches,
            endpoint=endpoint,
            support=self._support,
            run_key=self.run_key,
        )
        self._transforming = TransformPreparation(self._serving, self._preparation.channels)
        self._processing = ProcessingPreparation(
            settings=settings,
            channels=self._preparation.channels,
            endpoint=endpoint,
            run_key=self.run_key,
            support=self._support,
            role_exists=self.cloud.role_exists,
            expect=lambda: self._backend.expect(),  # noqa: PLW0108 - see above
        )
        if not in_memory:  # it will be needed
            threading.Thread(target=self._try_mounts, name="mounts", daemon=True).start()
        inside = _Inside(clock=self._clock, settle=lambda: self._loop.settle()) if in_memory else None  # noqa: PLW0108 - the loop is made later
        self._backend = _make_backend(settings, self._preparation, self._wakeup, endpoint, inside)
        self._stack.callback(self._backend.executor.close)

    def _make_engine(self, *, in_memory: bool) -> None:
        """Make the loop and what it moves."""
        store, now, scale, objects = self.store, self._clock, self.settings.time_scale, self._objects
        self.cloudwatch = CloudWatchSync(store=store, cloud=self.cloud, runs=self._runs, log=self._log)
        notify, threads = self._wakeup.notify, max(2, self.settings.parallel)
        self._starter = RunStarter(executor=self._backend.executor, runs=self._runs, threads=threads, notify=notify)
        trainings = TrainingJobs(
            store=store,
            preparation=self._backend.preparation,
            objects=objects,
            runs=self._runs,
            settings=self.settings,
            now=now,
            token=token,
        )
        processings = ProcessingJobs(
            table=store.processings, now=now, preparation=self._processing, objects=objects, starter=self._starter, log=self._log
        )
        transforms = TransformJobs(table=store.transforms, now=now, preparation=self._transforming, objects=objects)
        lifecycle = RunLifecycle(
            store=store,
            works=[trainings, processings, transforms],
            starter=self._starter,
            runs=self._runs,
            settings=self.settings,
            now=now,
            notify=notify,
            touched=self.cloudwatch.touched,
            log=self._log,
        )
        events = EventPublisher(bus=self.cloud, store=store, changed=self._changed, now=now, log=self._log)
        launcher = Launcher(store=store, perform=self._perform, read=self._read, invoke=self._invoke, now=now)
        pipelines = Pipelines(
            store=store, perform=self._perform, launcher=launcher, now=now, notify=notify, log=self._log, scale=scale
        )
        self.hosting = Hosting(
            store=store,
            cloud=self.cloud,
            objects=objects,
            executor=self._backend.executor,
            preparation=self._serving,
            state=self.settings.state,
            in_memory=in_memory,
            now=now,
            notify=notify,
            token=token,
            log=self._log,
            scale=scale,
        )
        self._stack.callback(self.hosting.runtime.close)
        tuner = Tuner(store=store, now=now, token=token, notify=notify, log=self._log, scale=scale)
        self._loop = Loop(
            wakeup=self._wakeup,
            movers=[lifecycle, *self.hosting.movers, tuner, pipelines],
            events=events,
            log=self._log,
            idle=self.follow_clock,
            scale=scale,
        )

    def _perform(self, operation: str, request: "Document", scope: "AwsScope") -> "Document":
        """Carry out an operation of the API for the engine or a stack; raises AwsError."""
        return self.api.carry_out(operation, request, scope) or {}

    def _read(self, uri: str) -> bytes:
        """The content of an S3 object; raises ValueError."""
        return content(self._objects, uri)

    def _invoke(self, function: str, event: "Document") -> object:
        """Call a function, or what stands in for it; raises RunError."""
        return invoked(self.settings, self._endpoint(), function, event, self.cloud.function)

    def __enter__(self) -> Self:
        try:
            self._loop.start()
        except RuntimeError:  # no thread can be started
            self._stack.close()
            raise
        self._stack.callback(self._loop.close)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def reset(self) -> None:
        """Kill all runs and forget all jobs; moto keeps its state."""
        with self._loop.paused():
            self.store.clear()
            self._loop.reset()
            self.cloudwatch.reset()
            self.hosting.cloudwatch.reset()

    @property
    def why_not_private(self) -> str | None:
        """Why runs cannot have a private `/opt/ml`; None if they can. The first call takes some 50 ms."""
        try:
            return self._support().why_not_private
        except OSError as error:  # it cannot be tried for now
            return str(error)

    def _try_mounts(self) -> None:
        with suppress(OSError):  # it is tried again when it is needed
            self._support()

    def gateway(self, faults: Faults) -> Gateway:
        """The gateway, which answers HTTP requests for this emulator."""
        return Gateway(
            api=self.api,
            runtime=self.hosting.runtime,
            rest=self.cloud.wsgi,
            settings=self.settings,
            health=self.health,
            before=self.sync_cloudwatch,
            faults=faults,
            account_of=self.cloud.account_of,
            reset=self.reset,
        )

    def sync_cloudwatch(self, service: str, body: bytes = b"") -> None:
        """Publish what a request to a service (its signing name) may ask for, as `CloudWatchSync` does."""
        self.cloudwatch.sync(service, body)
        self.hosting.cloudwatch.sync(service)

    def active_runs(self) -> int:
        """Number of jobs with a run that have not ended."""
        tables = (self.store.trainings, self.store.processings, self.store.transforms)
        return sum(len(table.active()) for table in tables)

    def active_endpoints(self) -> int:
        """Number of endpoints that serve, or are to serve."""
        return len(self.store.endpoints.active())

    def is_idle(self) -> bool:
        """Whether nothing goes on by itself: no run, no tuning job, no execution of a pipeline, which may be waiting for its time."""
        return not (self.active_runs() or self.store.tunings.active() or self.store.executions.active())

    def follow_clock(self) -> None:
        """Take the time of day from the machine, when nothing is going on; inside a test, always."""
        if isinstance(self._clock, TestClock) or self.is_idle():
            self._clock.follow()

    def health(self) -> Mapping[str, object]:
        """The members of the health page."""
        return {
            "status": "ok",
            "version": _version("sm-tuning"),
            "moto": _version("moto"),
            "botocore": _version("botocore"),
            "state": str(self.settings.state),
            "parallel": self.settings.parallel,
            "scheduler": self.settings.scheduler,
            "activeTrainingJobs": len(self.store.trainings.active()),
            "activeProcessingJobs": len(self.store.processings.active()),
            "activeTransformJobs": len(self.store.transforms.active()),
            "privateOptMl": self.why_not_private is None,
        }


def _make_clock(settings: Settings, *, in_memory: bool) -> Clock:
    if settings.time_scale != 1 and (not in_memory or settings.scheduler):
        raise EmulatorError(
            f"time_scale={settings.time_scale:g}: time may run faster or slower than the clock only inside tests, on this machine"
        )
    return TestClock(settings.state / "clock", scale=settings.time_scale) if in_memory else Clock(settings.state / "clock")


@dataclass(frozen=True, kw_only=True)
class _Inside:
    """The parts that runs inside a test need."""

    clock: Clock
    settle: Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class _Backend:
    """Prepares and executes runs."""

    executor: Executor
    preparation: RunPreparer
    expect: Callable[[], None] = lambda: None


def _make_backend(
    settings: Settings, preparation: Preparation, wakeup: Wakeup, endpoint: Callable[[], str | None], inside: _Inside | None
) -> _Backend:
    if inside is None or settings.scheduler:
        _refuse_functions(settings)
    if settings.scheduler is None:
        servers = ForkServers(settings.state / "forkserver") if settings.fork_server else None
        processes = ProcessExecutor(wakeup=wakeup.path, fork_servers=servers, mortal=settings.state if inside else None)
        if inside is None:
            return _Backend(executor=processes, preparation=preparation, expect=processes.expect)
        functions = FunctionExecutor(processes, clock=inside.clock, settle=inside.settle)
        return _Backend(executor=functions, preparation=preparation, expect=processes.expect)
    (settings.state / _SCHEDULER).write_text(settings.scheduler)
    dask = DaskExecutor(settings=settings, scheduler=settings.scheduler, endpoint=endpoint, notify=wakeup.notify)
    return _Backend(executor=dask, preparation=dask)


def _refuse_functions(settings: Settings) -> None:
    for pattern, named in settings.images.items():
        if callable(named):
            raise EmulatorError(
                f"images: {pattern!r} is mapped to a function, which can stand in only inside tests, on this machine"
            )


def end_runs(state: Path) -> int:
    """Kill every run of a state folder that no emulator holds; the number of runs killed."""
    executor = ProcessExecutor(wakeup=None)
    try:
        runs = state / "runs"
        killed = sum(executor.kill(runs / run) for run in living(runs))
        return killed + _end_runs_on_cluster(state, [folder.path for folder in folders_below(runs)])
    finally:
        executor.close()


def _end_runs_on_cluster(state: Path, folders: Sequence[Path]) -> int:
    if not (state / _SCHEDULER).exists() or not folders:
        return 0
    return cluster.kill_all((state / _SCHEDULER).read_text(), [folder.name for folder in folders])
