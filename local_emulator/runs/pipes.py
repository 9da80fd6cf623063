"""Channels in Pipe mode: FIFOs `input/data/CHANNEL_0`, `CHANNEL_1`, …, one for each pass of a program over the channel.

A helper of the supervisor feeds them, with a thread for each channel of each host, which waits for as long as nobody reads. As in AWS
the FIFO of the next epoch is there before that of the epoch before has ended, and a reader that closes one early goes on to the next.
The program may do to the FIFOs what it likes: they are opened by descriptors of folders that were opened before it began.
"""

import errno
import gzip
import json
import os
import signal
import stat
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import IO, NoReturn

from local_emulator.domain.errors import RunError
from local_emulator.runs import helper
from local_emulator.runs.data.channels import in_epoch
from local_emulator.runs.data.manifests import Item, failed
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.helper import Helper
from local_emulator.runs.run import Pipe, Run

_CHUNK = 1 << 20  # bytes
_MAGIC = 0xCED7230A
_HEADER = struct.Struct("<II")
_LONGEST_RECORD = (1 << 29) - 1  # bytes
_READY = b"ready\n"
_LONGEST_REASON = 4096  # bytes: written to a pipe at once


class PipeError(Exception):
    """The FIFOs cannot be fed; the text is the run's FailureReason."""


class Feeder:
    """The process that feeds the FIFOs of a run, which is there for as long as its programs are.

    It does not end by itself when it cannot feed: a program would take the end of a FIFO for that of its data before the run is ended.
    """

    def __init__(self, process: Helper) -> None:
        self._helper = process

    @property
    def answers(self) -> int:
        """A descriptor that is readable once it has told why it cannot feed, or has ended."""
        return self._helper.answers

    def error(self) -> str:
        """Why it cannot feed, empty if it has not told."""
        try:
            return os.read(self._helper.answers, _LONGEST_REASON).decode(errors="replace")
        except BlockingIOError:
            return ""

    def end(self) -> None:
        """End it, and with it what is read from the FIFOs."""
        self._helper.reap()


def feed(run: Run, folder: RunFolder) -> Feeder | None:
    """Make the first FIFOs of every host, and start what feeds them; None if no channel has any. Raises PipeError."""
    pipes = [(folder.host(part.host).ml / "input" / "data", pipe) for part in run.on_hosts for pipe in part.pipes]
    if not pipes:
        return None
    feeder = helper.start(lambda _, answering: _work(pipes, answering))
    os.set_blocking(feeder.answers, True)
    answer = os.read(feeder.answers, len(_READY))
    os.set_blocking(feeder.answers, False)
    started = Feeder(feeder)
    if answer != _READY:
        error = answer.decode(errors="replace") + started.error()
        started.end()
        raise PipeError(error or str(failed("The FIFOs of the channels cannot be made.")))
    return started


def _work(pipes: Sequence[tuple[Path, Pipe]], answering: int) -> None:
    """Feed until one of the channels cannot be fed, tell why, and wait to be killed; in the helper."""
    errors: SimpleQueue[str] = SimpleQueue()
    os.umask(0)  # a container may have any user
    try:
        channels = [_Channel(path, pipe) for path, pipe in pipes]
    except OSError as error:
        errors.put(str(failed(f"{error.strerror}: {error.filename}")))
    else:
        for channel in channels:
            threading.Thread(target=channel.feed, args=(errors,), daemon=True).start()
        os.write(answering, _READY)
    os.write(answering, errors.get().encode()[:_LONGEST_REASON])
    while True:
        signal.pause()


@cache
def _items(path: str) -> Sequence[Item]:
    items: Sequence[Item] = json.loads(Path(path).read_bytes())
    return items


class _Channel:
    """A channel of a host: the folder of its FIFOs, and what they bring."""

    def __init__(self, folder: Path, pipe: Pipe) -> None:
        self._pipe = pipe
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._make(0)
        self._make(1)

    def feed(self, errors: "SimpleQueue[str]") -> None:
        """Feed one epoch after the other; in a thread of its own, which ends by an error alone."""
        for epoch in count():
            try:
                self._make(epoch + 1)
                descriptor = self._open(epoch)
            except OSError as error:
                _give_up(errors, error)
            with suppress(BrokenPipeError), open(descriptor, "wb", buffering=_CHUNK) as fifo:  # noqa: PTH123 - a descriptor
                try:
                    self._write_epoch(epoch, fifo)
                except BrokenPipeError:
                    pass  # the reader has closed it early
                except (RunError, OSError) as error:
                    _give_up(errors, error)  # before it is closed: the reader would take what it has got for all that there is
            with suppress(FileNotFoundError):
                os.unlink(self._name(epoch), dir_fd=self._folder)

    def _name(self, epoch: int) -> str:
        return f"{self._pipe.channel}_{epoch}"

    def _make(self, epoch: int) -> None:
        try:
            os.mkfifo(self._name(epoch), dir_fd=self._folder)
        except FileExistsError:
            if not stat.S_ISFIFO(os.stat(self._name(epoch), dir_fd=self._folder, follow_symlinks=False).st_mode):
                raise OSError(errno.EEXIST, "Something else lies where the FIFO has to be", self._name(epoch)) from None

    def _open(self, epoch: int) -> int:
        """A descriptor of the FIFO of an epoch, once somebody reads it."""
        descriptor = os.open(self._name(epoch), os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._folder)
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            raise OSError(errno.EEXIST, "Something else lies where the FIFO was", self._name(epoch))
        return descriptor

    def _write_epoch(self, epoch: int, fifo: IO[bytes]) -> None:
        for item in in_epoch(_items(self._pipe.items), self._pipe.seed, epoch, self._pipe.shard):
            for part in item:
                self._write_part(part, fifo)

    def _write_part(self, part: Mapping[str, str], fifo: IO[bytes]) -> None:
        if "text" in part:
            text = part["text"].encode()
            self._write_record(len(text), part["text"], fifo)
            fifo.write(text)
            size = len(text)
        else:
            name = part["file"]
            if self._pipe.record_io:
                self._write_record(self._size(name), name, fifo)
            with self._content(name) as content:
                size = _copy(content, fifo)
        if self._pipe.record_io:
            fifo.write(bytes(-size % 4))

    def _write_record(self, size: int, name: str, fifo: IO[bytes]) -> None:
        """Write the header of a record of some bytes, if records are wrapped."""
        if not self._pipe.record_io:
            return
        if size > _LONGEST_RECORD:
            raise failed(f"{name} has {size} bytes; a record of RecordIO has at most {_LONGEST_RECORD}.")
        fifo.write(_HEADER.pack(_MAGIC, size))

    def _size(self, name: str) -> int:
        path = Path(self._pipe.folder, name)
        if not self._pipe.gzip:
            return path.stat().st_size
        with self._content(name) as content:
            return sum(len(chunk) for chunk in iter(lambda: content.read(_CHUNK), b""))

    @contextmanager
    def _content(self, name: str) -> Iterator[IO[bytes] | gzip.GzipFile]:
        path = Path(self._pipe.folder, name)
        if not self._pipe.gzip:
            with path.open("rb") as file:
                yield file
            return
        try:
            with gzip.open(path) as file:
                yield file
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise failed(f"{name} is not compressed with gzip: {error}") from error


def _give_up(errors: "SimpleQueue[str]", error: Exception) -> NoReturn:
    """Tell why a channel cannot be fed, and wait for the end of the process."""
    errors.put(str(error if isinstance(error, RunError) else failed(f"{type(error).__name__}: {error}")))
    threading.Event().wait()
    raise AssertionError


def _copy(content: IO[bytes] | gzip.GzipFile, fifo: IO[bytes]) -> int:
    size = 0
    while chunk := content.read(_CHUNK):
        fifo.write(chunk)
        size += len(chunk)
    return size
