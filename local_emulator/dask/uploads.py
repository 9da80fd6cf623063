"""What a worker puts into S3: checkpoints while a run goes on, patiently while the emulator is away."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from botocore.exceptions import BotoCoreError

from local_emulator.domain.errors import RunError
from local_emulator.domain.objects import ObjectInfo, Objects, ObjectsUnavailable
from local_emulator.domain.training import TrainingJob
from local_emulator.runs.data import artifacts
from local_emulator.runs.data.output_files import output_files
from local_emulator.runs.folder import RunFolder

T = TypeVar("T")

_SETTLED = 1_000_000_000  # nanoseconds that a checkpoint's file must have been left alone before it goes to S3
_RETRY_FOR, _PAUSE = 600.0, 0.5  # seconds


class RetryingObjects:
    """An object store that may be unreachable for a while: the emulator's own, which may be started again."""

    def __init__(self, objects: Objects, wanted: Callable[[], bool] = lambda: True) -> None:
        self._objects = objects
        self._wanted = wanted

    def list(self, bucket: str, prefix: str) -> Sequence[ObjectInfo]:
        """Every object whose key begins with the prefix, in key order."""
        return self._retry(lambda: self._objects.list(bucket, prefix))

    def download(self, bucket: str, key: str, target: Path) -> None:
        """Write an object's content to a file."""
        self._retry(lambda: self._objects.download(bucket, key, target))

    def upload(self, bucket: str, key: str, source: Path) -> None:
        """Keep a file's content under a key."""
        self._retry(lambda: self._objects.upload(bucket, key, source))

    def _retry(self, work: Callable[[], T]) -> T:
        deadline = time.monotonic() + _RETRY_FOR
        while True:
            try:
                return work()
            except ObjectsUnavailable as error:
                # An answer that says no is final; no answer is not.
                if not isinstance(error.__cause__, BotoCoreError) or time.monotonic() > deadline or not self._wanted():
                    raise
            time.sleep(_PAUSE)


class CheckpointUploads:
    """What a run has saved to go on from, in S3 soon after it was written."""

    def __init__(self, job: TrainingJob, folder: RunFolder, objects: Objects) -> None:
        self._config = job.spec.checkpoints
        self._folder = folder
        self._objects = objects
        self._known = {path: _size_and_time(path) for path in self._files()}  # what came from S3 just now

    def _files(self) -> Sequence[Path]:
        if self._config is None:
            return ()
        here = artifacts.checkpoints(self._folder.ml, self._config)
        return [file.path for file in output_files(here) if not file.link]

    def save(self) -> None:
        """Upload the files that have changed, and are not being written just now."""
        if self._config is None:
            return
        with contextlib.suppress(RunError, OSError):  # tried again, and reported at the end
            for path in self._files():
                version = _size_and_time(path)
                if self._known.get(path) != version and time.time_ns() - version[1] >= _SETTLED:
                    artifacts.upload_checkpoint(self._config, self._folder, path, self._objects)
                    self._known[path] = version


def _size_and_time(path: Path) -> tuple[int, int]:
    """Size and time of the last change in nanoseconds."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns
