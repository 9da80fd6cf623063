"""Runs on the workers of a Dask cluster that somebody else keeps, possibly on other machines: nothing is shared but S3.

A run goes to the cluster as an errand: the training job itself, which the worker prepares, supervises and uploads
(`local_emulator.dask.worker`). What the supervisor there writes in its folder is copied into the run's folder here while it
happens, and `exit` last of all. So whoever reads a run's folder reads the same as of a run on this machine, but for `/opt/ml`,
which never comes.

A run happens at most once. Dask repeats a task whose worker has gone, so a task first asks: the one that this side writes down as
the run's `claim` may begin, any other leaves. A claimed run whose worker has gone, or knows nothing of it, is LOST.
"""

import contextlib
import importlib
import json
import pickle
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from local_emulator.domain.errors import EmulatorError
from local_emulator.domain.training import TimeBudget, TrainingJob
from local_emulator.runs.folder import RunFolder, write_whole
from local_emulator.runs.run import Cause, Command, Exit, Run, RunState
from local_emulator.settings import Settings

TOPIC = "sm-tuning"
"""Dask's topic on which workers say that there is news of a run."""

MISSING_EXTRA = "--executor dask needs Dask: pip install 'sm-tuning[dask]'"

_TICK = 1.0  # seconds between looks at which workers there are
_LOOK_ANYWAY = 5.0  # seconds between looks at a run of which there was no news
_ANSWERS_WITHIN = 1.0  # seconds that a look may hold up the others; its answer is taken later
_TROUBLE = "InternalServerError: We encountered an internal error. Please try again. (The cluster: {})"


@dataclass(frozen=True, kw_only=True)
class Errand:
    """What a worker must know to run a training job. `endpoint` is the emulator's address as workers see it."""

    job: TrainingJob
    budget: TimeBudget
    settings: Settings
    endpoint: str | None
    version: str


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a worker is told and asked about a run: who may run it, why it is to end, and how much of its files is here."""

    claim: str | None = None
    stop: Cause | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class End:
    """How a run ended (None: it is lost), and what is told of it afterwards."""

    exit: Exit | None
    run_json: bytes = b""
    failure: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What has become of a run on a worker.

    `claim` names the task that is there for it; `files` is what came after the sizes asked with, `logs` are the files of its log
    that are still kept, `more` says that there is more to fetch.
    """

    claim: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    logs: Collection[str] = ()
    more: bool = False
    end: End | None = None


@dataclass(frozen=True, kw_only=True)
class _Claim:
    worker: str
    task: str


@dataclass
class _Watched:
    """A run that is not over: what it is, and the task that was sent (None: not yet, or by an emulator before this one)."""

    folder: RunFolder
    errand: Errand | None = None
    task: Any = None

    @property
    def claim(self) -> _Claim | None:
        try:
            return _Claim(**json.loads(self.folder.claim.read_bytes()))
        except FileNotFoundError:
            return None


@dataclass(frozen=True, kw_only=True)
class _Order(Run):
    """A run as `prepare` hands it to `start`: everything else is the worker's to make."""

    errand: Errand


def connect(scheduler: str) -> Any:  # noqa: ANN401 - of an optional package
    """A client of a Dask scheduler; raises EmulatorError."""
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise EmulatorError(MISSING_EXTRA) from error
    try:
        make: Any = Client  # untyped
        return make(scheduler, timeout=5, set_as_default=False, name="sm-tuning")
    except (OSError, ValueError, TimeoutError) as error:
        raise EmulatorError(f"--scheduler {scheduler}: no Dask scheduler answers there ({error})") from error


def _there(name: str) -> Callable[..., bytes]:
    """A function of `local_emulator.dask.worker`, to be called with its arguments as bytes; its answer is bytes too.

    Dask sends what it calls by name, and unpacks it wherever it passes. A worker or a scheduler that has not got this package would
    not refuse that but die of it. So what is sent is a function by value, which Python alone suffices to unpack.
    """

    def call(arguments: bytes, dask_worker: Any = None) -> bytes:  # noqa: ANN401 - Dask's
        worker = importlib.import_module("local_emulator.dask.worker")
        given = pickle.loads(arguments)  # noqa: S301 - whoever reaches a worker can run code there anyway
        return pickle.dumps(getattr(worker, name)(*given, dask_worker))

    return call


def slots(scheduler: str) -> int:
    """Number of threads of all workers, i.e. of runs that a cluster takes at a time; raises EmulatorError."""
    with connect(scheduler) as client:
        threads: Mapping[str, int] = client.nthreads()
        return max(sum(threads.values()), 1)


def kill_all(scheduler: str, runs: Sequence[str]) -> int:
    """Kill runs on a cluster, wherever they are; how many there were to kill. Raises EmulatorError."""
    with connect(scheduler) as client:
        found = client.run(_there("kill"), pickle.dumps([list(runs)]), on_error="return")
        return sum(pickle.loads(one) for one in found.values() if isinstance(one, bytes))  # noqa: S301 - our own workers'


class ClusterExecutor:
    """Prepares and executes: hands training jobs to a cluster's workers. One thread speaks with the cluster."""

    def __init__(
        self,
        *,
        settings: Settings,
        scheduler: str,
        endpoint: Callable[[], str | None],
        notify: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._scheduler = scheduler
        self._endpoint = endpoint
        self._notify = notify
        self._client = connect(scheduler)
        self._listen()
        self._runs: dict[str, _Watched] = {}
        self._guard = threading.Lock()
        self._given_up: set[str] = set()  # lost runs, whose tasks Dask may yet bring to another worker
        self._news: set[str] = set()  # workers
        self._looked = 0.0
        self._asking: dict[str, tuple[Collection[str], Future[Any]]] = {}  # worker -> runs, and what will be said of them
        self._wake = threading.Event()
        self._closing = self._away = False
        self._asks = ThreadPoolExecutor(max_workers=8, thread_name_prefix="cluster")
        self._thread = threading.Thread(target=self._serve, name="cluster", daemon=True)
        self._thread.start()

    # --- what the trainer calls -----------------------------------------------------------------------------------------

    def prepare(self, job: TrainingJob, folder: Path, budget: TimeBudget) -> Run:
        """Nothing but the folder: data and code come where they are used."""
        RunFolder(folder).make()
        while (endpoint := self._settings.advertise or self._endpoint()) is None and not self._closing:
            time.sleep(0.05)  # the emulator has just started and does not listen yet
        errand = Errand(job=job, budget=budget, settings=self._settings, endpoint=endpoint, version=version("sm-tuning"))
        return _Order(id=job.run, folder=folder, program=Command(argv=()), errand=errand)

    def start(self, run: Run) -> None:
        """Hand over a run that is NEW; of any other, nothing."""
        if not isinstance(run, _Order):
            raise TypeError(f"a cluster runs what it has prepared itself, not {run}")
        if self.state(run.folder) is RunState.NEW:
            with self._guard:
                self._runs[run.id] = _Watched(RunFolder(run.folder), run.errand)
            self._wake.set()

    def state(self, folder: Path) -> RunState:
        """What has become of a run, as far as it has been heard of."""
        names = RunFolder(folder)
        if names.exit.exists():
            return RunState.EXITED
        if _lost(names).exists():
            return RunState.LOST
        with self._guard:
            if folder.name in self._runs:
                return RunState.RUNNING
            if not names.claim.exists():
                return RunState.NEW
            self._runs[folder.name] = _Watched(names)  # an emulator before this one has handed it over
        self._wake.set()
        return RunState.RUNNING

    def stop(self, folder: Path, *, interrupt: bool = False) -> None:
        """Ask a run to end; also one that waits for a worker."""
        write_whole(RunFolder(folder).stop, (Cause.INTERRUPT if interrupt else Cause.STOP).encode())
        self._looked = 0.0
        self._wake.set()

    def kill(self, folder: Path) -> bool:
        """End a run wherever it is. What it has left behind is killed on its worker, by whoever outlived it there."""
        with self._guard:
            watched = self._runs.get(folder.name)
        if watched is not None:
            self._lose(folder.name, watched)
        return watched is not None

    def close(self) -> None:
        """Let go of the cluster. Runs that have begun go on."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout=10)  # it may be waiting for a scheduler that has gone
        self._asks.shutdown(wait=False, cancel_futures=True)
        self._client.close(timeout=5)

    # --- the thread that speaks with the cluster --------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._closing:
            self._wake.wait(_TICK if self._runs else None)
            self._wake.clear()
            try:
                self._look()
                self._away = False
            except Exception as error:  # noqa: BLE001 - this thread must outlive any fault; the next look compares afresh
                if not self._closing:
                    self._complain(error)
                    time.sleep(_TICK)
                    self._reconnect()
                    self._wake.set()

    def _complain(self, error: Exception) -> None:
        if not isinstance(error, OSError):
            traceback.print_exc(file=sys.stderr)
        elif not self._away:
            print(f"local_emulator: the cluster at {self._scheduler} does not answer; it is tried again", file=sys.stderr)  # noqa: T201 - once, for the terminal
        self._away = isinstance(error, OSError)

    def _listen(self) -> None:
        def heard(event: tuple[float, Mapping[str, str]]) -> None:
            self._news.add(event[1]["worker"])
            if event[1]["run"] in self._given_up:
                self._call("forget", [event[1]["run"]], event[1]["worker"])
            self._wake.set()

        self._client.subscribe_topic(TOPIC, heard)

    def _reconnect(self) -> None:
        if self._client.status == "running":
            return
        with contextlib.suppress(EmulatorError):  # it is tried again
            client = connect(self._scheduler)
            self._client.close(timeout=1)
            self._client = client
            self._listen()
            for watched in list(self._runs.values()):
                watched.task = None  # the scheduler has forgotten it with its client

    def _look(self) -> None:
        if self._client.status != "running":
            raise ConnectionError(self._scheduler)
        workers = set(self._client.nthreads())
        news, self._news = self._news, set()
        if time.monotonic() - self._looked >= _LOOK_ANYWAY:
            news, self._looked = workers, time.monotonic()
        for run, watched in list(self._runs.items()):
            claim = watched.claim
            if claim is None:
                self._send(run, watched)
            elif claim.worker not in workers:
                self._lose(run, watched)
        if self._runs:
            self._ask(news & workers)

    def _send(self, run: str, watched: _Watched) -> None:
        """See to it that a run nobody has claimed has a task that waits for a worker, unless it is to end."""
        asked, task = watched.folder.asked_to_stop(), watched.task
        if asked is not None:
            self._conclude(run, watched, End(exit=Exit(cause=asked, code=0, time=datetime.now(UTC))))
        elif watched.errand is not None and (task is None or task.status in {"finished", "cancelled", "lost"}):
            key = f"{TOPIC}-{run}-{uuid.uuid4().hex}"
            watched.task = self._client.submit(_there("perform"), pickle.dumps([watched.errand]), key=key, pure=False, retries=0)
        elif task is not None and task.status == "error":
            message = _TROUBLE.format(task.exception(timeout=5))
            self._conclude(run, watched, End(exit=Exit(cause=Cause.ENGINE, code=1, time=datetime.now(UTC), message=message)))

    def _ask(self, workers: Collection[str]) -> None:
        """Ask some workers about all runs, and take in what has been answered; a slow one is not waited for."""
        for worker in set(workers) - self._asking.keys():
            questions = {run: self._question(watched) for run, watched in list(self._runs.items())}
            self._asking[worker] = questions.keys(), self._call("answer", questions, worker)
        wait([asked for _, asked in self._asking.values()], timeout=_ANSWERS_WITHIN)
        for worker, (runs, asked) in list(self._asking.items()):
            if not asked.done():
                continue
            del self._asking[worker]
            answers = asked.result().get(worker) if asked.exception() is None else None
            if isinstance(answers, bytes):
                self._take(worker, runs, pickle.loads(answers))  # noqa: S301 - our own worker's

    def _call(self, name: str, argument: object, worker: str | None) -> Future[Any]:
        """Call one of our functions on a worker, or on all (None)."""
        workers = None if worker is None else [worker]
        return self._asks.submit(self._client.run, _there(name), pickle.dumps([argument]), workers=workers, on_error="return")

    def _question(self, watched: _Watched) -> Question:
        claim, folder = watched.claim, watched.folder
        sizes = {path.name: path.stat().st_size for path in (folder.metrics, *folder.path.glob("log.*")) if path.exists()}
        return Question(claim=claim.task if claim else None, stop=folder.asked_to_stop(), sizes=sizes)

    def _take(self, worker: str, runs: Collection[str], answers: Mapping[str, Answer]) -> None:
        for run, watched in [(run, self._runs[run]) for run in runs if run in self._runs]:
            claim, answer = watched.claim, answers.get(run)
            if claim is None and answer is not None:
                write_whole(watched.folder.claim, json.dumps({"worker": worker, "task": answer.claim}).encode())
                self._tell_again(worker)
            elif claim is not None and claim.worker == worker:
                if answer is None or answer.claim != claim.task:
                    self._lose(run, watched)
                else:
                    self._copy(run, watched, answer)
                    if answer.more:
                        self._tell_again(worker)

    def _tell_again(self, worker: str) -> None:
        self._news.add(worker)
        self._wake.set()

    def _copy(self, run: str, watched: _Watched, answer: Answer) -> None:
        folder = watched.folder.path
        for name, content in answer.files.items():
            with (folder / name).open("ab") as file:
                file.write(content)
        for path in folder.glob("log.*"):
            if path.name not in answer.logs:
                path.unlink()
        if answer.end is not None:
            self._conclude(run, watched, answer.end)
        elif answer.files:
            self._notify()

    # --- the end of a run -------------------------------------------------------------------------------------------------

    def _conclude(self, run: str, watched: _Watched, end: End) -> None:
        folder = watched.folder
        if end.run_json:
            write_whole(folder.run_json, end.run_json)
        if end.failure:
            (folder.ml / "output").mkdir(parents=True, exist_ok=True)
            (folder.ml / "output" / "failure").write_bytes(end.failure)
        if end.exit is None:
            write_whole(_lost(folder), b"")
        else:
            folder.write_exit(end.exit)
        self._done(run, watched)

    def _lose(self, run: str, watched: _Watched) -> None:
        self._given_up.add(run)
        self._call("forget", [run], None)  # Dask may have brought its task to another worker already
        self._conclude(run, watched, End(exit=None))

    def _done(self, run: str, watched: _Watched) -> None:
        with self._guard:
            self._runs.pop(run, None)
        if watched.task is not None:
            watched.task.cancel()
        claim = watched.claim
        if claim is not None and run not in self._given_up:
            self._call("forget", [run], claim.worker)
        self._notify()


def _lost(folder: RunFolder) -> Path:
    """There once it is known that a run's worker is gone, or the run on it."""
    return folder.path / "lost"
