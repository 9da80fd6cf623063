"""`sm-tuning` with an emulator that it starts itself, or with one that runs already."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sm_tuning.cli.commands import sm_tuning
from tests.conftest import Server

TOML = """
name = "cli"
script = "train.py"
strategy = { name = "Random", seed = 1 }
max_jobs = 3
max_parallel = 2
[objective]
metric = "score"
goal = "Maximize"
regex = 'score=([-+0-9.eE]+)'
[ranges]
learning_rate = {}
units = { low = 1, high = 64 }
optimizer = ["adam", "sgd"]
"""
SCRIPT = """
import sys, time
value = sys.argv[sys.argv.index('--learning_rate') + 1]
time.sleep({pause})
print('\\x1b[31mred\\x1b[0m hostile [bold]text[/bold]')
{line}
"""


class Cli:
    """`sm-tuning` with its own state folder."""

    def __init__(self, folder: Path, state: Path | None = None) -> None:
        self.folder = folder
        self.state = state or folder / "state"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environment = {**clean, "SM_EMULATOR_STATE": str(self.state), "COLUMNS": "120"}
        self.write()

    def write(self, toml: str = TOML, line: str = "print('score=' + value)", pause: float = 0.0) -> None:
        (self.folder / "job.toml").write_text(toml)
        (self.folder / "train.py").write_text(SCRIPT.format(line=line, pause=pause))

    def start(self, *words: str) -> "subprocess.Popen[str]":
        # A script's background, where these tests may run, ignores Ctrl-C; a terminal does not.
        code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        code += "from sm_tuning.cli import main; sys.argv[0] = 'sm-tuning'; main()"
        return subprocess.Popen(
            [sys.executable, "-c", code, *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def process(self, *words: str, code: int = 0) -> tuple[str, str]:
        """What a command prints in a process of its own."""
        with self.start(*words) as process:
            output, errors = process.communicate(timeout=120)
        assert process.returncode == code, (words, process.returncode, output, errors)
        return output, errors

    def __call__(self, *words: str, code: int = 0) -> tuple[str, str]:
        """What a command prints in this process, which imports nothing anew."""
        done = self.invoke(*words)
        assert done.exit_code == code, (words, done.exit_code, done.output, done.exception)
        return done.stdout, done.stderr

    def invoke(self, *words: str) -> Result:
        """What a command comes to in this process."""
        others = {name: None for name in os.environ if name not in self.environment}
        with contextlib.chdir(self.folder):
            return CliRunner().invoke(sm_tuning, words, env={**others, **self.environment}, prog_name="sm-tuning")

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code)[0])


@pytest.fixture
def cli(server: Server, tmp_path: Path) -> Cli:
    """With an emulator that runs already."""
    return Cli(tmp_path, server.state)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Cli]:
    """Without an emulator."""
    cli = Cli(tmp_path)
    try:
        yield cli
    finally:
        cli("emulator", "stop")
        cli("emulator", "reset", "--yes")
