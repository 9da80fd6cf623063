"""A run's folder: what it says, whatever lies in it, and what earlier versions have written there."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs.data.log import read_tail
from local_emulator.runs.folder import EvidenceError, RunFolder, read_metrics
from local_emulator.runs.run import Cause, Command, Container, Exit, Mode, Run, RunState


@pytest.mark.parametrize("program", [Command(argv=("python", "train.py"), cwd="/code"), Container(image="i", entrypoint=("e",))])
def test_a_run_is_read_as_it_was_saved(tmp_path: Path, program: Command | Container) -> None:
    folder = RunFolder(tmp_path / "runs" / "run")
    run = Run(
        id="run",
        folder=folder.path,
        program=program,
        env={"A": "b"},
        metrics=(MetricDefinition(name="x", regex="y"),),
        max_runtime=5.0,
        mode=Mode.SCRIPT,
        imports=("numpy",),
        fork_server="/socket",
    )
    folder.save_run(run)
    assert folder.load_run() == run


def test_a_run_of_version_0_1_is_read(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "old")
    (folder.path / "ml" / "model").mkdir(parents=True)
    (folder.path / "tmp").mkdir()
    assert (folder.ml, folder.work) == (folder.path / "ml", folder.path)
    run = Run(id="old", folder=folder.path, program=Command(argv=("true",)), imports=(), fork_server="/socket")
    folder.save_run(run)
    facts = json.loads(folder.run_json.read_text())
    folder.run_json.write_text(json.dumps({"warm" if name == "fork_server" else name: value for name, value in facts.items()}))
    assert folder.load_run() == run
    del facts["fork_server"], facts["imports"]  # before that was introduced
    folder.run_json.write_text(json.dumps(facts))
    assert (folder.load_run().fork_server, folder.load_run().imports) == (None, None)
    folder.remove_results()
    assert not (folder.path / "ml").exists()
    assert RunFolder(tmp_path / "runs" / "new").ml == tmp_path / "work" / "new" / "ml"


MAKE: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"\xff{\n" * 10),
    "folder": lambda path: path.mkdir(),
    "fifo": os.mkfifo,
    "link": lambda path: path.symlink_to("/dev/zero"),
    "types": lambda path: path.write_text('{"cause": [], "code": {}, "time": 5, "seq": [], "program": 3}\n'),
}


@pytest.mark.parametrize("kind_of_file", MAKE)
def test_evidence_may_be_anything(tmp_path: Path, kind_of_file: str) -> None:
    folder = RunFolder(tmp_path / "runs" / "run")
    folder.make()
    for path in (folder.lock, folder.claim, folder.exit, folder.stop, folder.metrics, folder.run_json, folder.path / "log.0"):
        MAKE[kind_of_file](path)
    assert folder.state() is RunState.LOST
    assert folder.read_exit() is None
    assert folder.asked_to_stop() is None
    assert list(read_metrics(folder, 0)[0]) == []
    assert list(read_tail(folder)) == []
    with pytest.raises(EvidenceError, match=r"run\.json is missing or damaged"):
        folder.load_run()
    folder.write_exit(Exit(cause=Cause.EXIT, code=3, time=datetime.now(UTC)))
    end = folder.read_exit()
    assert end is not None
    assert end.code == 3
    folder.remove()
    assert list((tmp_path / "runs").iterdir()) == list((tmp_path / "work").iterdir()) == []
