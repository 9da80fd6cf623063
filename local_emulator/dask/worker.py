"""What a worker of a Dask cluster does for an emulator elsewhere.

It prepares a run, has it supervised here, puts what came out of it into S3, and answers for it until the emulator has heard the end.
The worker needs nothing but this package and a way to S3. What a run is, the supervisor decides, as on the emulator's own machine.
"""

import contextlib
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
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError
from distributed import get_worker

from local_emulator.cloud.remote_objects import RemoteObjects
from local_emulator.dask.executor import TOPIC, Answer, End, Errand, Question
from local_emulator.domain.errors import RunError
from local_emulator.domain.objects import ObjectInfo, Objects, ObjectsUnavailable
from local_emulator.runs import mounts
from local_emulator.runs.data import artifacts
from local_emulator.runs.data.output_files import output_files
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.preparation import Preparation
from local_emulator.runs.process import ProcessExecutor
from local_emulator.runs.run import Cause, Exit, Run, RunState
from local_emulator.settings import Settings

T = TypeVar("T")

_GOING = {"running", "paused", "closing_gracefully"}  # states of a worker that still does what it has begun
_WAIT_FOR_CLAIM = 30.0  # seconds; an emulator that is away that long hands the run over anew
_LOOK = 0.02  # seconds between looks at a run
_TELL_EVERY = 0.25  # seconds between news of what a run prints
_TAKES_NO_LONGER = 10.0  # seconds from handing a run over to its claim
_SETTLED = 1_000_000_000  # nanoseconds that a checkpoint's file must have been left alone before it goes to S3
_MOST_AT_ONCE = 4 * 2**20
_PATIENCE, _PAUSE = 600.0, 0.5  # seconds


@dataclass
class _Visit:
    """One task that came for a run: what it waits for, and how the run ended."""

    folder: RunFolder
    task: str
    claimed: threading.Event = field(default_factory=threading.Event)
    may_begin: bool = False
    end: End | None = None

    def answer(self, question: Question) -> Answer:
        """Take in whose the run is and whether it is to end; give what came after what is known."""
        if question.claim is not None and not self.claimed.is_set():
            self.may_begin = question.claim == self.task
            self.claimed.set()
        if not self.may_begin:
            return Answer(claim=self.task)
        end, files, left = self.end, {}, _MOST_AT_ONCE
        logs = sorted(self.folder.path.glob("log.*"))
        for path in (self.folder.metrics, *logs):
            content = _after(path, question.sizes.get(path.name, 0), left)
            left -= len(content)
            if content:
                files[path.name] = content
        more = left <= 0
        return Answer(claim=self.task, files=files, logs=[path.name for path in logs], more=more, end=None if more else end)


class Workplace:
    """The runs on one worker, below a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.visits: dict[str, _Visit] = {}
        self.executor = ProcessExecutor(wakeup=None)
        self._support = mounts.Trial(self.root)
        self._preparations: list[tuple[Settings, str | None, Preparation]] = []
        self._guard = threading.Lock()
        (self.root / "runs").mkdir()
        # It holds the other end of this pipe: when the worker dies, however it does, the runs must not go on by themselves.
        command = [sys.executable, "-m", "local_emulator.dask.reaper", str(self.root)]
        self._warden = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - ourselves

    def folder(self, run: str) -> RunFolder:
        """The folder of a run."""
        return RunFolder(self.root / "runs" / run)

    def arrive(self, run: str) -> _Visit | None:
        """A task comes for a run; None if an earlier one is here for it, and at work."""
        with self._guard:
            before = self.visits.get(run)
            if before is not None and before.may_begin:
                return None
            visit = self.visits[run] = _Visit(folder=self.folder(run), task=os.urandom(16).hex())
            return visit

    def leave(self, run: str, visit: _Visit) -> None:
        """A task gives up waiting. If it has been chosen in this very moment, the emulator finds nobody here, which is the truth."""
        with self._guard:
            if self.visits.get(run) is visit:
                del self.visits[run]

    def _prepares(self, settings: Settings, endpoint: str | None, objects: Objects) -> Preparation:
        """One for all runs of an emulator, so that what they share is fetched once."""
        with self._guard:
            for known, address, preparation in self._preparations:
                if (known, address) == (settings, endpoint):
                    return preparation
            preparation = Preparation(
                settings=settings,
                objects=PatientObjects(objects),
                folder_of_caches=self.root / f"cache-{len(self._preparations)}",
                endpoint=lambda: endpoint,
                support=self._support if settings.private_opt_ml else mounts.not_wanted,
                role_exists=lambda _role: True,
            )
            self._preparations.append((settings, endpoint, preparation))
            return preparation

    def conduct(
        self, errand: Errand, visit: _Visit, threads: int, *, going: Callable[[], bool], tell: Callable[[], None]
    ) -> None:
        """From its data to its end in S3. `threads` is how many runs this worker takes at a time."""
        settings = replace(errand.settings, parallel=threads)
        remote = RemoteObjects(settings.s3_endpoint or errand.endpoint or "", settings.region)
        preparation, objects = self._prepares(settings, errand.endpoint, remote), PatientObjects(remote, going)
        try:
            run = preparation.prepare(errand.job, visit.folder.path, errand.budget)
        except RunError as error:
            visit.end = End(exit=Exit(cause=Cause.START, code=1, time=datetime.now(UTC), message=str(error)))
            return
        self._stay(errand, run, objects, going=going, tell=tell)
        visit.end = self._wrap_up(errand, visit.folder, objects)
        visit.folder.remove_results()

    def _stay(self, errand: Errand, run: Run, objects: Objects, *, going: Callable[[], bool], tell: Callable[[], None]) -> None:
        """Until the run has ended: say when it has printed something, and put its checkpoints into S3."""
        folder = RunFolder(run.folder)
        saved, told = _Checkpoints(errand, folder, objects), 0
        begun = look_at = -math.inf
        while (state := folder.state()) in {RunState.NEW, RunState.RUNNING}:
            now = time.monotonic()
            if not going():
                self.executor.kill(folder.path)
                return
            if state is RunState.NEW and now - begun > _TAKES_NO_LONGER:
                self.executor.start(run)
                begun = now
            if now >= look_at:
                look_at = now + _TELL_EVERY
                size = sum(path.stat().st_size for path in folder.path.glob("log.*"))
                if size != told:
                    told = size
                    tell()
                saved.save()
            time.sleep(_LOOK)

    def _wrap_up(self, errand: Errand, folder: RunFolder, objects: Objects) -> End:
        ended = folder.read_exit()
        try:
            if ended is None:
                self.executor.kill(folder.path)
            if ended is None or ended.cause is Cause.INTERRUPT:
                artifacts.upload_checkpoints(errand.job, folder, objects)
            else:
                artifacts.upload(errand.job, folder, ended, objects)
        except RunError as error:
            if ended is not None and not _failed(ended):
                ended = replace(ended, cause=Cause.START, message=str(error))
        failure = artifacts.failure_text(folder).encode()
        # Its archives are in S3, where the emulator's side need not put them.
        return End(
            exit=None if ended is None else replace(ended, model=False, output=False),
            run_json=folder.run_json.read_bytes(),
            failure=failure,
        )


class _Checkpoints:
    """What a run has saved to go on from, in S3 soon after it was written."""

    def __init__(self, errand: Errand, folder: RunFolder, objects: Objects) -> None:
        self._config = errand.job.spec.checkpoints
        self._folder = folder
        self._objects = objects
        self._known = {path: _facts(path) for path in self._files()}  # what came from S3 just now

    def _files(self) -> Sequence[Path]:
        if self._config is None:
            return ()
        here = artifacts.checkpoints(self._folder.ml, self._config)
        return [file.path for file in output_files(here) if not file.link]

    def save(self) -> None:
        """Upload the files that have changed, and are not being written just now."""
        if self._config is None:
            return
        with contextlib.suppress(RunError, OSError):  # it is tried again, and told of at the end
            for path in self._files():
                facts = _facts(path)
                if self._known.get(path) != facts and time.time_ns() - facts[1] >= _SETTLED:
                    artifacts.upload_checkpoint(self._config, self._folder, path, self._objects)
                    self._known[path] = facts


_PLACE = "sm_tuning_workplace"  # an attribute of Dask's worker: it lives as long as that
_ONE_AT_A_TIME = threading.Lock()


def _workplace(worker: Any) -> Workplace:  # noqa: ANN401 - Dask's
    with _ONE_AT_A_TIME:
        place = _known_workplace(worker)
        if place is None:
            # Beside the worker's own folder, which Dask removes while the warden still has to look into ours.
            root = tempfile.mkdtemp(prefix=f"{TOPIC}-", dir=Path(worker.local_directory).parent)
            place = Workplace(Path(root))
            setattr(worker, _PLACE, place)
        return place


def _known_workplace(worker: Any) -> Workplace | None:  # noqa: ANN401 - Dask's
    place: Workplace | None = getattr(worker, _PLACE, None)
    return place


def perform(errand: Errand, _: None) -> None:
    """Do an errand, if this is the task that may."""
    if errand.version != version("sm-tuning"):
        raise RuntimeError(f"the emulator has version {errand.version} of sm-tuning, this worker {version('sm-tuning')}")
    worker = get_worker()
    place, run = _workplace(worker), errand.job.run

    def tell() -> None:
        worker.log_event(TOPIC, {"worker": worker.address, "run": run})

    visit = place.arrive(run)
    if visit is None:
        return
    tell()
    if not visit.claimed.wait(_WAIT_FOR_CLAIM) or not visit.may_begin:
        place.leave(run, visit)
        return
    try:
        place.conduct(
            errand,
            visit,
            worker.state.nthreads,
            going=lambda: worker.status.name in _GOING and place.visits.get(run) is visit,
            tell=tell,
        )
    except Exception as error:  # noqa: BLE001 - told as the run's end, or the emulator would wait for ever
        message = f"InternalServerError: We encountered an internal error. Please try again. (A worker: {error!r})"
        visit.end = End(exit=Exit(cause=Cause.ENGINE, code=1, time=datetime.now(UTC), message=message))
    tell()


def answer(questions: Mapping[str, Question], dask_worker: Any) -> Mapping[str, Answer]:  # noqa: ANN401 - Dask's
    """What has become of those runs that are here."""
    place = _known_workplace(dask_worker)
    if place is None:
        return {}
    here = {run: question for run, question in questions.items() if run in place.visits}
    for run, question in here.items():
        if question.stop is not None:
            place.folder(run).path.mkdir(exist_ok=True)
            place.executor.stop(place.folder(run).path, interrupt=question.stop is Cause.INTERRUPT)
    return {run: place.visits[run].answer(question) for run, question in here.items()}


def forget(runs: Sequence[str], dask_worker: Any) -> None:  # noqa: ANN401 - Dask's
    """The emulator has heard of their ends, or given them up."""
    place = _known_workplace(dask_worker)
    for run in runs:
        if place is None:
            return
        visit = place.visits.pop(run, None)
        if visit is not None:
            visit.claimed.set()  # a task that still waits leaves
        place.executor.kill(place.folder(run).path)  # only a run that was given up may still be there
        place.folder(run).remove()


def kill(runs: Sequence[str], dask_worker: Any) -> int:  # noqa: ANN401 - Dask's
    """Kill those runs that are here, at once; how many were."""
    place = _known_workplace(dask_worker)
    killed = sum(place.executor.kill(place.folder(run).path) for run in runs) if place else 0
    forget(runs, dask_worker)
    return killed


class PatientObjects:
    """An object store that may be away for a while: the emulator's own, which may be started again."""

    def __init__(self, objects: Objects, wanted: Callable[[], bool] = lambda: True) -> None:
        self._objects = objects
        self._wanted = wanted

    def list(self, bucket: str, prefix: str) -> Sequence[ObjectInfo]:
        """Every object whose key begins with the prefix, in key order."""
        return self._patiently(lambda: self._objects.list(bucket, prefix))

    def download(self, bucket: str, key: str, target: Path) -> None:
        """Write an object's content to a file."""
        self._patiently(lambda: self._objects.download(bucket, key, target))

    def upload(self, bucket: str, key: str, source: Path) -> None:
        """Keep a file's content under a key."""
        self._patiently(lambda: self._objects.upload(bucket, key, source))

    def _patiently(self, work: Callable[[], T]) -> T:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return work()
            except ObjectsUnavailable as error:
                # An answer that says no is final; no answer is not.
                if not isinstance(error.__cause__, BotoCoreError) or time.monotonic() > deadline or not self._wanted():
                    raise
            time.sleep(_PAUSE)


def _after(path: Path, size: int, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(size)
            return file.read(max(most, 0))
    except FileNotFoundError:
        return b""


def _facts(path: Path) -> tuple[int, int]:
    """Size and time of the last change in nanoseconds."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _failed(ended: Exit) -> bool:
    """Whether a run has failed by itself, so that a failed upload is not what is told of it."""
    return ended.cause in {Cause.START, Cause.DISK, Cause.ENGINE} or (
        ended.cause is Cause.EXIT and (ended.code != 0 or bool(ended.message))
    )
