"""Runs training jobs on a worker of a Dask cluster, for an emulator elsewhere.

The worker prepares a run, has it supervised here, puts its results into S3, and replies to polls of it until the emulator knows its
end. It needs nothing but this package and a way to S3. The supervisor is the same as on the emulator's own machine.
"""

import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from distributed import get_worker

from local_emulator.cloud.remote_objects import RemoteObjects
from local_emulator.dask.messages import TOPIC, PollReply, PollRequest, RunRequest, RunResult
from local_emulator.dask.uploads import CheckpointUploads, RetryingObjects
from local_emulator.domain.errors import INTERNAL_ERROR, RunError
from local_emulator.domain.objects import Objects
from local_emulator.runs import mounts
from local_emulator.runs.data import artifacts
from local_emulator.runs.data.log import segments
from local_emulator.runs.folder import RunFolder, read_evidence
from local_emulator.runs.preparation import Preparation
from local_emulator.runs.process import ProcessExecutor
from local_emulator.runs.run import Cause, Exit, Run, RunState
from local_emulator.settings import Settings

_ALIVE = {"running", "paused", "closing_gracefully"}  # states of a worker that still does what it has begun
_WAIT_FOR_CLAIM = 30.0  # seconds; an emulator that is away that long hands the run over anew
_CHECK_EVERY = 0.02  # seconds between checks of a run
_NOTIFY_EVERY = 0.25  # seconds between notices of what a run prints
_CLAIMED_WITHIN = 10.0  # seconds from handing a run over to its claim
_MOST_AT_ONCE = 4 * 2**20


@dataclass
class TaskAttempt:
    """One task that has come for a run: whether it may begin, and how the run ended."""

    folder: RunFolder
    task: str
    claimed: threading.Event = field(default_factory=threading.Event)
    may_begin: bool = False
    result: RunResult | None = None

    def reply(self, request: PollRequest) -> PollReply:
        """Take in which task may run, and return what came after the files' known sizes."""
        if request.claim is not None and not self.claimed.is_set():
            self.may_begin = request.claim == self.task
            self.claimed.set()
        if not self.may_begin:
            return PollReply(claim=self.task)
        files, left = {}, _MOST_AT_ONCE
        logs = segments(self.folder)
        for path in (self.folder.metrics, *logs):
            content = read_evidence(path, request.sizes.get(path.name, 0), left) or b""
            left -= len(content)
            if content:
                files[path.name] = content
        more = left <= 0
        result = None if more else self.result
        return PollReply(claim=self.task, files=files, logs=[path.name for path in logs], more=more, result=result)


class WorkerRuntime:
    """The runs on one worker, below a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.attempts: dict[str, TaskAttempt] = {}
        self.executor = ProcessExecutor(wakeup=None)
        self._support = mounts.Trial(self.root)
        self._preparations: list[tuple[Settings, str | None, Preparation]] = []
        self._guard = threading.Lock()
        (self.root / "runs").mkdir()
        # It holds the other end of this pipe: when the worker dies, however it does, the runs must not go on by themselves.
        command = [sys.executable, "-m", "local_emulator.dask.reaper", str(self.root)]
        self._reaper = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - ourselves

    def folder(self, run: str) -> RunFolder:
        """The folder of a run."""
        return RunFolder(self.root / "runs" / run)

    def arrive(self, run: str) -> TaskAttempt | None:
        """Register a task that has come for a run; None if an earlier one runs it already."""
        with self._guard:
            before = self.attempts.get(run)
            if before is not None and before.may_begin:
                return None
            attempt = self.attempts[run] = TaskAttempt(folder=self.folder(run), task=os.urandom(16).hex())
            return attempt

    def leave(self, run: str, attempt: TaskAttempt) -> None:
        """Remove a task that gives up waiting. If it is chosen at this moment, the emulator finds no task, which is the truth."""
        with self._guard:
            if self.attempts.get(run) is attempt:
                del self.attempts[run]

    def _preparation(self, settings: Settings, endpoint: str | None, objects: Objects) -> Preparation:
        """The preparation of all runs of an emulator, so that what they share is fetched once."""
        with self._guard:
            for known, address, preparation in self._preparations:
                if (known, address) == (settings, endpoint):
                    return preparation
            preparation = Preparation(
                settings=settings,
                objects=RetryingObjects(objects),
                folder_of_caches=self.root / f"cache-{len(self._preparations)}",
                endpoint=lambda: endpoint,
                support=self._support if settings.private_opt_ml else mounts.not_wanted,
                role_exists=lambda _role: True,
            )
            self._preparations.append((settings, endpoint, preparation))
            return preparation

    def execute(
        self, request: RunRequest, attempt: TaskAttempt, threads: int, *, alive: Callable[[], bool], notify: Callable[[], None]
    ) -> None:
        """Run a training job, from its data to its results in S3. `threads` is how many runs this worker takes at a time."""
        settings = replace(request.settings, parallel=threads)
        remote = RemoteObjects(settings.s3_endpoint or request.endpoint or "", settings.region)
        preparation, objects = self._preparation(settings, request.endpoint, remote), RetryingObjects(remote, alive)
        try:
            run = preparation.prepare(request.job, attempt.folder.path, request.budget)
        except RunError as error:
            attempt.result = RunResult(exit=Exit(cause=Cause.START, code=1, time=datetime.now(UTC), message=str(error)))
            return
        self._follow(request, run, objects, alive=alive, notify=notify)
        attempt.result = self._collect(request, attempt.folder, objects)
        attempt.folder.remove_results()

    def _follow(
        self, request: RunRequest, run: Run, objects: Objects, *, alive: Callable[[], bool], notify: Callable[[], None]
    ) -> None:
        """Follow a run to its end: notify the emulator of output, and put checkpoints into S3."""
        folder = RunFolder(run.folder)
        uploads = CheckpointUploads(request.job, folder, objects)
        notified: tuple[str, int] | None = None
        begun = check_output_at = -math.inf
        while (state := folder.state()) in {RunState.NEW, RunState.RUNNING}:
            now = time.monotonic()
            if not alive():
                self.executor.kill(folder.path)
                return
            if state is RunState.NEW and now - begun > _CLAIMED_WITHIN:
                self.executor.start(run)
                begun = now
            if now >= check_output_at:
                check_output_at = now + _NOTIFY_EVERY
                if (newest := _newest_segment(folder)) != notified:
                    notified = newest
                    notify()
                uploads.save()
            time.sleep(_CHECK_EVERY)

    def _collect(self, request: RunRequest, folder: RunFolder, objects: Objects) -> RunResult:
        ended = folder.read_exit()
        try:
            if ended is None:
                self.executor.kill(folder.path)
            if ended is None or ended.cause is Cause.INTERRUPT:
                artifacts.upload_checkpoints(request.job, folder, objects)
            else:
                artifacts.upload(request.job, folder, ended, objects)
        except RunError as error:
            if ended is not None and not _failed(ended):
                ended = replace(ended, cause=Cause.START, message=str(error))
        failure = artifacts.failure_text(folder).encode()
        # Its archives are in S3, where the emulator's side need not put them.
        return RunResult(
            exit=None if ended is None else replace(ended, model=False, output=False),
            run_json=folder.run_json.read_bytes(),
            failure=failure,
        )


_RUNTIME = "sm_tuning_runtime"  # an attribute of Dask's worker: it lives as long as that
_ONE_AT_A_TIME = threading.Lock()


def _runtime(worker: Any) -> WorkerRuntime:  # noqa: ANN401 - Dask's
    with _ONE_AT_A_TIME:
        runtime = _known_runtime(worker)
        if runtime is None:
            # Beside the worker's own folder, which Dask removes while the reaper still has to look into ours.
            root = tempfile.mkdtemp(prefix=f"{TOPIC}-", dir=Path(worker.local_directory).parent)
            runtime = WorkerRuntime(Path(root))
            setattr(worker, _RUNTIME, runtime)
        return runtime


def _known_runtime(worker: Any) -> WorkerRuntime | None:  # noqa: ANN401 - Dask's
    runtime: WorkerRuntime | None = getattr(worker, _RUNTIME, None)
    return runtime


def run_job(request: RunRequest, _: None) -> None:
    """Run a training job, if this is the task that may."""
    if request.version != version("sm-tuning"):
        raise RuntimeError(f"the emulator has version {request.version} of sm-tuning, this worker {version('sm-tuning')}")
    worker = get_worker()
    runtime, run = _runtime(worker), request.job.run

    def notify() -> None:
        worker.log_event(TOPIC, {"worker": worker.address, "run": run})

    attempt = runtime.arrive(run)
    if attempt is None:
        return
    notify()
    if not attempt.claimed.wait(_WAIT_FOR_CLAIM) or not attempt.may_begin:
        runtime.leave(run, attempt)
        return
    try:
        runtime.execute(
            request,
            attempt,
            worker.state.nthreads,
            alive=lambda: worker.status.name in _ALIVE and runtime.attempts.get(run) is attempt,
            notify=notify,
        )
    except Exception as error:  # noqa: BLE001 - reported as the run's result, or the emulator would wait for ever
        message = f"{INTERNAL_ERROR} (A worker: {error!r})"
        attempt.result = RunResult(exit=Exit(cause=Cause.ENGINE, code=1, time=datetime.now(UTC), message=message))
    notify()


def poll(requests: Mapping[str, PollRequest], dask_worker: Any) -> Mapping[str, PollReply]:  # noqa: ANN401 - Dask's
    """The states of those runs that are on this worker."""
    runtime = _known_runtime(dask_worker)
    if runtime is None:
        return {}
    here = {run: request for run, request in requests.items() if run in runtime.attempts}
    for run, request in here.items():
        if request.stop is not None:
            runtime.folder(run).path.mkdir(exist_ok=True)
            runtime.executor.stop(runtime.folder(run).path, interrupt=request.stop is Cause.INTERRUPT)
    return {run: runtime.attempts[run].reply(request) for run, request in here.items()}


def forget(runs: Sequence[str], dask_worker: Any) -> None:  # noqa: ANN401 - Dask's
    """Remove runs that the emulator knows to be over, or has given up."""
    runtime = _known_runtime(dask_worker)
    for run in runs:
        if runtime is None:
            return
        attempt = runtime.attempts.pop(run, None)
        if attempt is not None:
            attempt.claimed.set()  # a task that still waits leaves
        runtime.executor.kill(runtime.folder(run).path)  # only a run that was given up may still be there
        runtime.folder(run).remove()


def kill(runs: Sequence[str], dask_worker: Any) -> int:  # noqa: ANN401 - Dask's
    """Kill those runs that are here, at once; how many were."""
    runtime = _known_runtime(dask_worker)
    killed = sum(runtime.executor.kill(runtime.folder(run).path) for run in runs) if runtime else 0
    forget(runs, dask_worker)
    return killed


def _newest_segment(folder: RunFolder) -> tuple[str, int] | None:
    """Name and size of the segment of the log that grows; None if there is none, or it was removed just now."""
    try:
        return next(((path.name, path.stat().st_size) for path in reversed(segments(folder))), None)
    except FileNotFoundError:
        return None


def _failed(ended: Exit) -> bool:
    """Whether a run has failed by itself, so that a failed upload is not its FailureReason."""
    return ended.cause in {Cause.START, Cause.DISK, Cause.ENGINE} or (
        ended.cause is Cause.EXIT and (ended.code != 0 or bool(ended.message))
    )
