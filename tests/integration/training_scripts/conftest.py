"""Runs of the scripts inside this process, away from any real /opt/ml."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from training_scripts import METRICS


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run left behind; `rows` are the metric lines as METRICS reads them, `failure` is the failure file."""

    code: int
    out: str
    err: str
    failure: str

    @property
    def rows(self) -> list[dict[str, float]]:
        return rows_of(self.out)


def rows_of(text: str) -> list[dict[str, float]]:
    lines = [line for line in text.splitlines() if line.startswith("epoch=")]
    rows = [{name: re.search(regex, line) for name, regex in METRICS.items()} for line in lines]
    return [{name: float(match[1]) for name, match in row.items() if match} for row in rows]


@pytest.fixture
def ml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty /opt/ml of this test's own, and a clean environment."""
    for name in list(os.environ):
        if name.startswith("SM_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "ml"
    (folder / "output").mkdir(parents=True)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def run(ml: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """`run(main, "--epochs", 3, …)`: call a script's main with these words."""

    def call(main: Callable[[Sequence[str]], int], *words: object) -> Outcome:
        failure = ml / "output" / "failure"
        failure.unlink(missing_ok=True)
        capsys.readouterr()
        code = main([str(word) for word in words])
        seen = capsys.readouterr()
        return Outcome(code=code, out=seen.out, err=seen.err, failure=failure.read_text() if failure.exists() else "")

    return call
