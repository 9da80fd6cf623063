"""Runs training jobs on the workers of a Dask cluster, possibly on other machines: nothing is shared but S3.

A run goes to the cluster as a `RunRequest`: the training job itself, which the worker prepares, supervises and uploads (`worker`).
What the supervisor writes in its folder there is copied into the run's folder here while it happens, and `exit` last of all. So
a run's folder reads the same as that of a run on this machine, but for `/opt/ml`, which never comes.

A run happens at most once. Dask repeats a task whose worker has gone, so a task first asks: the one that this side writes down as
the run's `claim` may begin, any other leaves. A claimed run whose worker has gone, or does not know it, is LOST.
"""

import contextlib
import json
import pickle
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from local_emulator.dask.cluster import connect, on_worker
from local_emulator.dask.messages import TOPIC, PollReply, PollRequest, RunRequest, RunResult
from local_emulator.domain.errors import INTERNAL_ERROR, EmulatorError
from local_emulator.domain.training import TimeBudget, TrainingJob
from local_emulator.runs.data.log import segments
from local_emulator.runs.folder import RunFolder, write_whole
from local_emulator.runs.run import Cause, Command, Exit, Run, RunState
from local_emulator.settings import Settings

_TICK = 1.0  # seconds between checks which workers there are
_POLL_ANYWAY = 5.0  # seconds between polls of a run of which there was no news
_REPLIES_WITHIN = 1.0  # seconds that one poll may delay the others; its reply is taken later


@dataclass(frozen=True, kw_only=True)
class _Claim:
    worker: str
    task: str


@dataclass
class _FollowedRun:
    """A run that is not over: its request (None: sent by an emulator before this one), and the task that was sent (None: not yet)."""

    folder: RunFolder
    request: RunRequest | None = None
    task: Any = None

    @property
    def claim(self) -> _Claim | None:
        try:
            return _Claim(**json.loads(self.folder.claim.read_bytes()))
        except FileNotFoundError:
            return None


@dataclass(frozen=True, kw_only=True)
class RemoteRun(Run):
    """A run as `prepare` hands it to `start`: everything else is made by the worker."""

    request: RunRequest


class DaskExecutor:
    """Prepares and executes runs: hands training jobs to a cluster's workers. One thread speaks with the cluster."""

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
        self._runs: dict[str, _FollowedRun] = {}
        self._guard = threading.Lock()
        self._given_up: set[str] = set()  # lost runs, whose tasks Dask may yet bring to another worker
        self._news: set[str] = set()  # workers
        self._polled = 0.0
        self._polls: dict[str, tuple[Collection[str], Future[Any]]] = {}  # worker -> runs, and its reply to come
        self._wake = threading.Event()
        self._closing = self._away = False
        self._calls = ThreadPoolExecutor(max_workers=8, thread_name_prefix="cluster")
        self._thread = threading.Thread(target=self._serve, name="cluster", daemon=True)
        self._thread.start()

    # --- what the trainer calls -----------------------------------------------------------------------------------------

    def immediate(self, job: TrainingJob, folder: Path, budget: TimeBudget) -> None:
        """None: no run is."""

    def prepare(self, job: TrainingJob, folder: Path, budget: TimeBudget) -> RemoteRun:
        """Make the folder; the worker fetches data and code."""
        RunFolder(folder).make()
        while (endpoint := self._settings.advertise or self._endpoint()) is None and not self._closing:
            time.sleep(0.05)  # the emulator has just started and does not listen yet
        request = RunRequest(job=job, budget=budget, settings=self._settings, endpoint=endpoint, version=version("sm-tuning"))
        return RemoteRun(id=job.run, folder=folder, program=Command(argv=()), request=request)

    def start(self, run: Run) -> None:
        """Hand over a run that is NEW; do nothing for any other."""
        if not isinstance(run, RemoteRun):
            raise TypeError(f"a cluster runs what it has prepared itself, not {run}")
        if self.state(run.folder) is RunState.NEW:
            with self._guard:
                self._runs[run.id] = _FollowedRun(RunFolder(run.folder), run.request)
            self._wake.set()

    def state(self, folder: Path) -> RunState:
        """Last known state of a run."""
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
            self._runs[folder.name] = _FollowedRun(names)  # an emulator before this one has handed it over
        self._wake.set()
        return RunState.RUNNING

    def stop(self, folder: Path, *, interrupt: bool = False) -> None:
        """Ask a run to end; also one that waits for a worker."""
        write_whole(RunFolder(folder).stop, (Cause.INTERRUPT if interrupt else Cause.STOP).encode())
        self._polled = 0.0
        self._wake.set()

    def kill(self, folder: Path) -> bool:
        """Give a run up, and have all workers kill it; whether it was not over."""
        if self.state(folder) is not RunState.RUNNING:
            return False
        with self._guard:
            followed = self._runs.get(folder.name)
        if followed is not None:
            self._give_up(folder.name, followed)
        return followed is not None

    def close(self) -> None:
        """Disconnect from the cluster. Runs that have begun go on."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout=10)  # it may be waiting for a scheduler that has gone
        self._calls.shutdown(wait=False, cancel_futures=True)
        self._client.close(timeout=5)

    # --- the thread that speaks with the cluster --------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._closing:
            self._wake.wait(_TICK if self._runs else None)
            self._wake.clear()
            try:
                self._step()
                self._away = False
            except Exception as error:  # noqa: BLE001 - reported, and tried again: the next step compares everything afresh
                if not self._closing:
                    self._report(error)
                    time.sleep(_TICK)
                    self._reconnect()
                    self._wake.set()

    def _report(self, error: Exception) -> None:
        if not isinstance(error, OSError):
            traceback.print_exc(file=sys.stderr)
        elif not self._away:
            print(f"local_emulator: the cluster at {self._scheduler} does not answer; it is tried again", file=sys.stderr)  # noqa: T201 - once, for the terminal
        self._away = isinstance(error, OSError)

    def _listen(self) -> None:
        def on_event(event: tuple[float, Mapping[str, str]]) -> None:
            self._news.add(event[1]["worker"])
            if event[1]["run"] in self._given_up:
                self._call("forget", [event[1]["run"]], event[1]["worker"])
            self._wake.set()

        self._client.subscribe_topic(TOPIC, on_event)

    def _reconnect(self) -> None:
        if self._client.status == "running":
            return
        with contextlib.suppress(EmulatorError):  # it is tried again
            client = connect(self._scheduler)
            self._client.close(timeout=1)
            self._client = client
            self._listen()
            for followed in list(self._runs.values()):
                followed.task = None  # the scheduler has forgotten it with its client

    def _step(self) -> None:
        if self._client.status != "running":
            raise ConnectionError(self._scheduler)
        workers = set(self._client.nthreads())
        news, self._news = self._news, set()
        if time.monotonic() - self._polled >= _POLL_ANYWAY:
            news, self._polled = workers, time.monotonic()
        for run, followed in list(self._runs.items()):
            claim = followed.claim
            if claim is None:
                self._send(run, followed)
            elif claim.worker not in workers:
                self._give_up(run, followed)
        if self._runs:
            self._poll(news & workers)

    def _send(self, run: str, followed: _FollowedRun) -> None:
        """Make sure that an unclaimed run has a task that waits for a worker, unless the run is to end."""
        asked, task = followed.folder.asked_to_stop(), followed.task
        if asked is not None:
            self._end(run, followed, RunResult(exit=Exit(cause=asked, code=0, time=datetime.now(UTC))))
        elif followed.request is not None and (task is None or task.status in {"finished", "cancelled", "lost"}):
            key = f"{TOPIC}-{run}-{uuid.uuid4().hex}"
            followed.task = self._client.submit(
                on_worker("run_job"), pickle.dumps([followed.request]), key=key, pure=False, retries=0
            )
        elif task is not None and task.status == "error":
            message = f"{INTERNAL_ERROR} (The cluster: {task.exception(timeout=5)})"
            self._end(run, followed, RunResult(exit=Exit(cause=Cause.ENGINE, code=1, time=datetime.now(UTC), message=message)))

    def _poll(self, workers: Collection[str]) -> None:
        """Poll some workers for all runs, and take the replies that have come; a slow worker is not waited for."""
        for worker in set(workers) - self._polls.keys():
            requests = {run: self._poll_request(followed) for run, followed in list(self._runs.items())}
            self._polls[worker] = requests.keys(), self._call("poll", requests, worker)
        wait([reply for _, reply in self._polls.values()], timeout=_REPLIES_WITHIN)
        for worker, (runs, reply) in list(self._polls.items()):
            if not reply.done():
                continue
            del self._polls[worker]
            replies = reply.result().get(worker) if reply.exception() is None else None
            if isinstance(replies, bytes):
                self._take(worker, runs, pickle.loads(replies))  # noqa: S301 - our own worker's

    def _call(self, name: str, argument: object, worker: str | None) -> Future[Any]:
        """Call one of our functions on a worker, or on all (None)."""
        workers = None if worker is None else [worker]
        return self._calls.submit(self._client.run, on_worker(name), pickle.dumps([argument]), workers=workers, on_error="return")

    def _poll_request(self, followed: _FollowedRun) -> PollRequest:
        claim, folder = followed.claim, followed.folder
        sizes = {path.name: path.stat().st_size for path in (folder.metrics, *segments(folder)) if path.exists()}
        return PollRequest(claim=claim.task if claim else None, stop=folder.asked_to_stop(), sizes=sizes)

    def _take(self, worker: str, runs: Collection[str], replies: Mapping[str, PollReply]) -> None:
        for run, followed in [(run, self._runs[run]) for run in runs if run in self._runs]:
            claim, reply = followed.claim, replies.get(run)
            if claim is None and reply is not None:
                write_whole(followed.folder.claim, json.dumps({"worker": worker, "task": reply.claim}).encode())
                self._poll_again(worker)
            elif claim is not None and claim.worker == worker:
                if reply is None or reply.claim != claim.task:
                    self._give_up(run, followed)
                else:
                    self._copy(run, followed, reply)
                    if reply.more:
                        self._poll_again(worker)

    def _poll_again(self, worker: str) -> None:
        self._news.add(worker)
        self._wake.set()

    def _copy(self, run: str, followed: _FollowedRun, reply: PollReply) -> None:
        folder = followed.folder.path
        for name, content in reply.files.items():
            with (folder / name).open("ab") as file:
                file.write(content)
        for path in segments(followed.folder):
            if path.name not in reply.logs:
                path.unlink()
        if reply.result is not None:
            self._end(run, followed, reply.result)
        elif reply.files:
            self._notify()

    # --- the end of a run -------------------------------------------------------------------------------------------------

    def _end(self, run: str, followed: _FollowedRun, result: RunResult) -> None:
        folder = followed.folder
        if result.run_json:
            write_whole(folder.run_json, result.run_json)
        if result.failure:
            (folder.ml / "output").mkdir(parents=True, exist_ok=True)
            (folder.ml / "output" / "failure").write_bytes(result.failure)
        if result.exit is None:
            write_whole(_lost(folder), b"")
        else:
            folder.write_exit(result.exit)
        self._done(run, followed)

    def _give_up(self, run: str, followed: _FollowedRun) -> None:
        self._given_up.add(run)
        self._call("forget", [run], None)  # Dask may have brought its task to another worker already
        self._end(run, followed, RunResult(exit=None))

    def _done(self, run: str, followed: _FollowedRun) -> None:
        with self._guard:
            self._runs.pop(run, None)
        if followed.task is not None:
            followed.task.cancel()
        claim = followed.claim
        if claim is not None and run not in self._given_up:
            self._call("forget", [run], claim.worker)
        self._notify()


def _lost(folder: RunFolder) -> Path:
    """There once it is known that a run's worker is gone, or the run on it."""
    return folder.path / "lost"
