"""The program that installs what a source asks for, and becomes the run's program."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_emulator.runs import layers
from local_emulator.runs.layers import Interpreter
from local_emulator.runs.requirements import FILE, Provided, SharedLayer, provide, remove_unused
from tests.conftest import until
from tests.integration.local_emulator.runs.wheels import wheel


@dataclass
class Source:
    """A source with requirements, and the wheels that pip finds."""

    root: Path
    below: Interpreter

    def provide(self) -> Provided:
        failure = str(self.root / "failure")
        return provide(
            [self.root / FILE], self.below, self.root / "shared", own=self.root / "own", cwd=self.root, failure=failure
        )

    def begin(self, provided: Provided) -> "subprocess.Popen[str]":
        environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.root), "PIP_PYTHON": "/of/the/program"}
        command = [*provided.install, provided.python, "-c", "import needy, os; print('begun', os.environ['PIP_PYTHON'])"]
        return subprocess.Popen(
            command, env=environment, cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


@pytest.fixture
def source(tmp_path: Path) -> Source:
    below = layers.interpreter(sys.executable)
    assert below is not None
    wheel(tmp_path, "needy", "1.0", requires=["packaging"])
    return Source(tmp_path, below)


def test_what_several_runs_need_is_installed_once(source: Source) -> None:
    """Also if whoever began it was killed over it."""
    (source.root / FILE).write_text("needy==1.0\n")
    provided = source.provide()
    (shared,) = [SharedLayer(Path(provided.below.prefix).parent)]
    with shared.lock(wait=False) as held:
        assert held
        (shared.environment / "bin").mkdir(parents=True)
        (shared.environment / "bin" / "python").write_text("half made")
        runs = [source.begin(provided) for _ in range(2)]
        for run in runs:
            assert run.stdout is not None
            assert run.stdout.readline() == "Waiting for another job that installs the same packages\n"
    printed = [run.communicate(timeout=120)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert sum(text.count("Successfully installed needy-1.0") for text in printed) == 1
    assert all(text.endswith("begun /of/the/program\n") for text in printed)
    again = source.provide()
    assert again.install == ()
    assert again.python == provided.python
    os.utime(shared.installed, (0, 0))
    remove_unused(source.root / "shared")
    assert not shared.folder.exists()


def test_of_what_is_there_already_nothing_is_left(source: Source) -> None:
    (source.root / FILE).write_text("packaging>=1\n")
    provided = source.provide()
    run = subprocess.run([*provided.install, "true"], cwd=source.root, check=True, capture_output=True, text=True)
    assert "Requirement already satisfied: packaging" in run.stdout
    assert source.provide() == Provided(python=sys.executable, below=source.below)


def test_pip_that_fails_is_the_reason(source: Source) -> None:
    (source.root / FILE).write_text("nothing-such\n")
    run = source.begin(source.provide())
    assert run.wait(timeout=120) == 1
    printed = until(lambda: run.communicate()[0])
    reason = (source.root / "failure").read_text()
    assert reason.startswith(
        'InstallRequirementsError:\nExitCode 1\nErrorMessage "ERROR: No matching distribution found for nothing-such\nERROR: Could not'
    )
    assert reason.endswith(f' -I -m pip install -r {FILE}"')
    assert "begun" not in printed
    assert source.provide().install
