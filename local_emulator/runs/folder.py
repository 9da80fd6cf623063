"""The one owner of a run's two folders, and of what they say about the run.

`runs/ID` holds the evidence: what the supervisor and the emulator write and read. `work/ID`, beside `runs`, holds what the program
reads and writes: `/opt/ml`, its home and its temporary files. No relative path from there reaches the evidence unless it is meant to.

Files that another process reads are written whole: under a name of their own first, then renamed.
"""

import json
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local_emulator.domain.history import Observation
from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs import lock
from local_emulator.runs.run import Cause, Command, Container, Exit, Mode, Run, RunState

_WORK = "work"
_MOST_AT_ONCE = 4 * 2**20


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
class RunFolder:
    """The names in a run's folders; `path` is that of the evidence."""

    path: Path

    @property
    def run_json(self) -> Path:
        """What the supervisor must know."""
        return self.path / "run.json"

    @property
    def lock(self) -> Path:
        """Held by the supervisor for as long as it lives."""
        return self.path / "lock"

    @property
    def claim(self) -> Path:
        """There once a supervisor has begun: the run is never begun again."""
        return self.path / "claim"

    @property
    def stop(self) -> Path:
        """There once somebody asked the run to end; it says for which cause."""
        return self.path / "stop"

    @property
    def control(self) -> Path:
        """A FIFO; a byte in it makes the supervisor look for `stop`."""
        return self.path / "control"

    @property
    def container(self) -> Path:
        """There for as long as there may be a container; its name in it."""
        return self.path / "container"

    @property
    def trouble(self) -> Path:
        """Why a container could not do its work, as a cause and a message in JSON."""
        return self.path / "trouble"

    @property
    def exit(self) -> Path:
        """How the run ended; written last."""
        return self.path / "exit"

    @property
    def metrics(self) -> Path:
        """Every value of every metric, a JSON line each."""
        return self.path / "metrics"

    @property
    def work(self) -> Path:
        """Everything that the program may write."""
        if (self.path / "ml").is_dir():
            return self.path  # a run of version 0.1, which had one folder for both
        return self._work

    @property
    def _work(self) -> Path:
        return self.path.parent.with_name(_WORK) / self.path.name

    @property
    def ml(self) -> Path:
        """The run's own `/opt/ml`."""
        return self.work / "ml"

    @property
    def home(self) -> Path:
        """The program's HOME; empty when it starts."""
        return self.work / "home"

    @property
    def temporary(self) -> Path:
        """The program's TMPDIR."""
        return self.work / "tmp"

    @property
    def packages(self) -> Path:
        """Python packages that the program installs for itself."""
        return self.work / "packages"

    @property
    def model_archive(self) -> Path:
        """`ml/model`, packed."""
        return self.path / "model.tar.gz"

    @property
    def output_archive(self) -> Path:
        """`ml/output/data`, packed."""
        return self.path / "output.tar.gz"

    def make(self) -> None:
        """Make both folders, for this user alone."""
        for path in (self.path, self.work, self.home, self.temporary):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o700)

    def remove_results(self) -> None:
        """Remove what S3 holds now, or nobody needs any more; the evidence stays."""
        for path in (self.path / "ml", self._work):
            shutil.rmtree(path, ignore_errors=True)
        self.model_archive.unlink(missing_ok=True)
        self.output_archive.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove everything there is of a run."""
        self.remove_results()
        shutil.rmtree(self.path, ignore_errors=True)

    def save_run(self, run: Run) -> None:
        """Write down what the supervisor must know."""
        self.make()
        write_whole(self.run_json, json.dumps(asdict(run) | {"folder": str(run.folder)}).encode())

    def load_run(self) -> Run:
        """What the supervisor must know."""
        facts = json.loads(self.run_json.read_bytes())
        words: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in facts["program"].items()}
        program = Container(**words) if "image" in words else Command(**words)
        metrics = tuple(MetricDefinition(**one) for one in facts["metrics"])
        imports = facts.get("imports")  # a run that an earlier version has begun has none
        typed = {
            "folder": Path(facts["folder"]),
            "program": program,
            "metrics": metrics,
            "mode": Mode(facts["mode"]),
            "imports": None if imports is None else tuple(imports),
        }
        return Run(**{**facts, **typed})

    def write_exit(self, ended: Exit) -> None:
        """Say how the run ended."""
        facts = asdict(ended) | {"cause": ended.cause.value, "time": ended.time.isoformat()}
        write_whole(self.exit, json.dumps(facts).encode())

    def read_exit(self) -> Exit | None:
        """How the run ended; None if nobody has said so."""
        try:
            facts = json.loads(self.exit.read_bytes())
        except FileNotFoundError:
            return None
        return Exit(**{**facts, "cause": Cause(facts["cause"]), "time": datetime.fromisoformat(facts["time"])})

    def asked_to_stop(self) -> Cause | None:
        """For which cause somebody asked the run to end; None if nobody did."""
        try:
            return Cause(self.stop.read_text())
        except FileNotFoundError:
            return None

    def state(self) -> RunState:
        """What the evidence says."""
        # The supervisor locks, then claims, and writes `exit` before it lets go. So the claim is looked at before the lock (or one
        # that comes in between would look abandoned), and `exit` again after it.
        claimed = self.claim.exists()
        if lock.taken(self.lock):
            return RunState.RUNNING
        if self.exit.exists():
            return RunState.EXITED
        return RunState.LOST if claimed else RunState.NEW


def folders_below(runs: Path) -> Sequence[RunFolder]:
    """Every run of which anything is there; `runs` holds the folders of their evidence."""
    names = {path.name for place in (runs, runs.with_name(_WORK)) if place.is_dir() for path in place.iterdir()}
    return [RunFolder(runs / name) for name in sorted(names)]


def read_metrics(folder: RunFolder, offset: int) -> tuple[Sequence[Observation], int]:
    """Values written after a byte offset (whole lines, a few megabytes at a time), and the offset after them."""
    try:
        with folder.metrics.open("rb") as file:
            file.seek(offset)
            content = file.read(_MOST_AT_ONCE)
    except FileNotFoundError:
        return (), offset
    end = content.rfind(b"\n") + 1
    return [_observation(line) for line in content[:end].splitlines()], offset + end


def _observation(line: bytes) -> Observation:
    facts = json.loads(line)
    time = datetime.fromtimestamp(facts["ms"] / 1000, UTC)
    return Observation(seq=facts["seq"], metric=facts["name"], value=facts["value"], time=time)
