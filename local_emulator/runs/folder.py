"""A run's two folders, and what they say about the run: the only module that knows their names.

`runs/ID` holds the evidence: what the supervisor and the emulator write and read. `work/ID`, beside `runs`, holds what the program
reads and writes: `/opt/ml`, its home and its temporary files. No relative path from there reaches the evidence unless it is meant to.

Files that another process reads are written whole: under a name of their own first, then renamed.
"""

import errno
import fcntl
import json
import math
import os
import re
import shutil
import stat
import subprocess
import termios
import time
import uuid
from array import array
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from local_emulator.domain.errors import EmulatorError
from local_emulator.domain.history import Observation
from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs import lock
from local_emulator.runs.host_folder import WORK, HostFolder
from local_emulator.runs.run import Cause, Command, Container, Contract, Exit, HostProgram, Mode, Pipe, Run, RunState

_MOST_AT_ONCE = 4 * 2**20
_LONGEST = 16 * 2**20  # bytes of a whole piece of evidence
_SPACE_WITHIN = 60.0  # seconds that `write_exit` waits for space on the disk
_RESERVED = 8192  # bytes
_HOST = re.compile(r"(?:algo|container)-[1-9]\d*(?:\..+)?")
_NOT_OURS = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO}


class EvidenceError(EmulatorError):
    """What must lie in a run's folder is not there, or is something else."""


def read_evidence(path: Path, offset: int = 0, most: int = _LONGEST) -> bytes | None:
    """Some content of a regular file; None if there is no file at that path but nothing, a folder, a link or a FIFO; not below a link.

    What lies in a run's folder may be anybody's: nothing there may block or break whoever reads it.
    """
    if path.parent.is_symlink():
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _NOT_OURS:
            return None
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with open(descriptor, "rb", closefd=False) as file:
            file.seek(offset)
            return file.read(most)
    finally:
        os.close(descriptor)


def read_facts(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None if there is none."""
    content = read_evidence(path)
    try:
        facts = None if content is None else json.loads(content)
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None


def remove_tree(path: Path) -> None:
    """Remove a folder, whatever a program has made of it; a file or a link too."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except (OSError, RecursionError):  # folders without rights, or thousands deep
        if os.geteuid() != 0:
            make_writable: list[str | Path] = ["find", path, "-type", "d", "-exec", "chmod", "u+rwx", "{}", ";"]
            subprocess.run(make_writable, check=False, capture_output=True)  # noqa: S603 - Linux has it
        subprocess.run(["rm", "-rf", "--", path], check=False, capture_output=True)  # noqa: S603, S607 - see above


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that no reader ever sees a part of it."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


@dataclass(frozen=True)
class RunFolder(HostFolder):
    """The names in a run's folders; `path` is that of the evidence. The folders of several hosts lie in them."""

    def host(self, name: str | None) -> HostFolder:
        """The folders of a host; None for the only one."""
        return self if name is None else HostFolder(self.path / name)

    @property
    def hosts(self) -> Sequence[HostFolder]:
        """The folders of every host of which there is one, in the order of their numbers; of the run itself, if there is none."""
        paths = [path for path in self.path.iterdir() if _HOST.fullmatch(path.name)] if self.path.is_dir() else []
        paths.sort(key=lambda path: int(path.name.partition("-")[2].partition(".")[0]))
        return [HostFolder(path) for path in paths if not path.is_symlink()] or [self]

    @property
    def run_json(self) -> Path:
        """What the supervisor must know."""
        return self.path / "run.json"

    @property
    def lock(self) -> Path:
        """Locked by the supervisor for as long as it lives."""
        return self.path / "lock"

    @property
    def claim(self) -> Path:
        """Exists once a supervisor has begun: the run is never begun again."""
        return self.path / "claim"

    @property
    def stop(self) -> Path:
        """Exists once the run has been asked to end; its content is the cause."""
        return self.path / "stop"

    @property
    def control(self) -> Path:
        """A FIFO; a byte in it makes the supervisor look for `stop`."""
        return self.path / "control"

    def wake_supervisor(self) -> None:
        """Wake the supervisor, if there is one."""
        try:
            control = os.open(self.control, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return
        try:
            os.write(control, b"\n")
        except BlockingIOError:
            pass  # it has not read what came before
        finally:
            os.close(control)

    @property
    def has_unread_control(self) -> bool:
        """Whether the supervisor has not yet read what was last written to `control`."""
        try:
            control = os.open(self.control, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            waiting = array("i", [0])
            fcntl.ioctl(control, termios.FIONREAD, waiting)
        except OSError:
            return False
        finally:
            os.close(control)
        return waiting[0] > 0

    def read_ports(self) -> tuple[int, ...]:
        """The ports of the serving programs of all hosts; none of them if one is not known yet."""
        ports = [host.read_port() for host in self.hosts]
        return tuple(port for port in ports if port is not None) if None not in ports else ()

    @property
    def data_log(self) -> Path:
        """What a transform job says of its data: JSON lines of milliseconds and text."""
        return self.path / "data-log"

    @property
    def exit(self) -> Path:
        """How the run ended; written last."""
        return self.path / "exit"

    @property
    def metrics(self) -> Path:
        """Every value of every metric, a JSON line each."""
        return self.path / "metrics"

    @cached_property
    def work(self) -> Path:
        """Everything that the program may write."""
        if (self.path / "ml").is_dir():
            return self.path  # a run of version 0.1, which had one folder for both
        return self._work

    @property
    def _work(self) -> Path:
        return self.path.parent.with_name(WORK) / self.path.name

    def items(self, number: int) -> Path:
        """What the FIFOs of one of the job's channels bring."""
        return self.path / "pipes" / f"{number}.json"

    @property
    def model_archive(self) -> Path:
        """`ml/model`, packed."""
        return self.path / "model.tar.gz"

    @property
    def output_archive(self) -> Path:
        """`ml/output/data`, packed."""
        return self.path / "output.tar.gz"

    def withdraw(self) -> bool:
        """Withdraw a run, so that no supervisor begins it any more; False if one has begun it."""
        self.make()
        held = lock.take(self.lock)
        if held is None:
            return False
        try:
            if self.claim.exists():
                return False
            self.run_json.unlink(missing_ok=True)
        finally:
            os.close(held)
        return True

    def has_results(self) -> bool:
        """Whether anything is there that `remove_results` removes."""
        return any(path.exists() for path in (self.path / "ml", self._work, self.model_archive, self.output_archive))

    def remove_results(self) -> None:
        """Remove what S3 holds now, or nobody needs any more; the evidence stays."""
        for path in (self.path / "ml", self._work):
            remove_tree(path)
        self.model_archive.unlink(missing_ok=True)
        self.output_archive.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove everything there is of a run."""
        self.remove_results()
        remove_tree(self.path)

    def save_run(self, run: Run) -> None:
        """Save what the supervisor must know."""
        self.make()
        for host in run.hosts:
            self.host(host.name).make()
        self.write_run(run)

    def write_run(self, run: Run) -> None:
        """The same, where there is nothing but the evidence."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(self.run_json, json.dumps(vars(run) | {"folder": str(run.folder), "function": None}, default=vars).encode())

    def load_run(self) -> Run:
        """What the supervisor must know; raises EvidenceError if that is not there any more."""
        facts = read_facts(self.run_json)
        try:
            return _run(facts or {})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EvidenceError(f"{self.run_json} is missing or damaged ({type(error).__name__}: {error})") from error

    def load_part(self, host: str | None) -> Run:
        """What a run does on a host (None: the only one); raises EvidenceError if that is not there, or not any more."""
        run = self.load_run()
        part = next((part for part in (*run.on_hosts, *run.on_servers) if part.host == host), None)
        if part is None:
            raise EvidenceError(f"{self.run_json} has no host {host}")
        return part

    def reserve(self) -> None:
        """Reserve the space that `write_exit` needs."""
        self._reserve.write_bytes(bytes(_RESERVED))

    @property
    def _reserve(self) -> Path:
        return self.path / "reserve"

    def write_exit(self, ended: Exit) -> None:
        """Write how the run ended; on a full disk retry for a minute."""
        facts = vars(ended) | {"cause": ended.cause.value, "time": ended.time.isoformat()}
        if self.path.is_symlink() or not self.path.is_dir():  # a program has removed it, or put something else there
            remove_tree(self.path)
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.exit.is_dir():
            remove_tree(self.exit)
        with suppress(OSError):
            self._reserve.unlink()
        deadline = time.monotonic() + _SPACE_WITHIN
        while True:
            try:
                write_whole(self.exit, json.dumps(facts).encode())
            except OSError as error:
                if error.errno != errno.ENOSPC or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def read_exit(self) -> Exit | None:
        """How the run ended; None if that is not written, or not readable."""
        facts = read_facts(self.exit)
        try:
            return None if facts is None else _exit(facts)
        except (KeyError, TypeError, ValueError):
            return None

    def asked_to_stop(self) -> Cause | None:
        """The cause for which the run was asked to end; None if it was not."""
        content = read_evidence(self.stop)
        with suppress(ValueError):
            return None if content is None else Cause(content.decode())
        return None

    def state(self) -> RunState:
        """The run's state, from what lies in its folder."""
        # The supervisor locks, then claims, and writes `exit` before it lets go. So the claim is looked at before the lock (or one
        # that comes in between would look abandoned), and `exit` again after it.
        if self.path.is_symlink():
            return RunState.NEW  # what it leads to is not ours
        claimed = self.claim.exists()
        if lock.taken(self.lock):
            return RunState.RUNNING
        if self.read_exit() is not None:
            return RunState.EXITED
        return RunState.LOST if claimed else RunState.NEW


def _program(facts: Mapping[str, Any]) -> Command | Container:
    words: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
    return Container(**words) if "image" in words else Command(**words)


def _pipes(facts: Mapping[str, Any]) -> tuple[Pipe, ...]:
    return tuple(Pipe(**{**pipe, "shard": tuple(pipe["shard"])}) for pipe in facts.get("pipes", ()))


def _host(facts: Mapping[str, Any]) -> HostProgram:
    return HostProgram(**{**facts, "program": _program(facts["program"]), "pipes": _pipes(facts)})


def _run(facts: dict[str, Any]) -> Run:
    imports = facts.get("imports")  # a run that an earlier version has begun has none
    typed = {
        "fork_server": facts.pop("warm", facts.get("fork_server")),  # "warm" in version 0.1
        "folder": Path(facts["folder"]),
        "program": _program(facts["program"]),
        "pipes": _pipes(facts),
        "hosts": tuple(map(_host, facts.get("hosts", ()))),
        "servers": tuple(map(_host, facts.get("servers", ()))),
        "metrics": tuple(MetricDefinition(**metric) for metric in facts["metrics"]),
        "mode": Mode(facts["mode"]),
        "contract": Contract(facts.get("contract", Contract.TRAINING)),
        "install": tuple(facts.get("install", ())),
        "imports": None if imports is None else tuple(imports),
    }
    return Run(**{**facts, **typed})


def _exit(facts: Mapping[str, Any]) -> Exit:
    ended = Exit(**{**facts, "cause": Cause(facts["cause"]), "time": datetime.fromisoformat(facts["time"])})
    if not isinstance(ended.code, int) or not isinstance(ended.message, str) or ended.time.tzinfo is None:
        raise TypeError(facts)
    return ended


def folders_below(runs: Path) -> Sequence[RunFolder]:
    """Every run of which anything is there; `runs` holds the folders of their evidence."""
    parents = [parent for parent in (runs, runs.with_name(WORK)) if parent.is_dir()]
    return [RunFolder(runs / name) for name in sorted({path.name for parent in parents for path in parent.iterdir()})]


def read_metrics(folder: RunFolder, offset: int) -> tuple[Sequence[Observation], int]:
    """Values written after a byte offset (whole lines, a few megabytes at a time), and the offset after them."""
    content = read_evidence(folder.metrics, offset, _MOST_AT_ONCE) or b""
    end = content.rfind(b"\n") + 1
    if end == 0 and len(content) == _MOST_AT_ONCE:
        end = len(content)  # no supervisor has written that
    lines = map(_observation, content[:end].splitlines())
    return [observation for observation in lines if observation is not None], offset + end


def _observation(line: bytes) -> Observation | None:
    """A line of a run's metrics; None if no supervisor has written it."""
    try:
        facts = json.loads(line)
        time = datetime.fromtimestamp(facts["ms"] / 1000, UTC)
        seen = Observation(seq=int(facts["seq"]), metric=str(facts["name"]), value=float(facts["value"]), time=time)
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return None
    return seen if math.isfinite(seen.value) else None
