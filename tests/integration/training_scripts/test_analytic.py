"""analytic.py: its curves look like real ones, and its contract is that of mlp.py."""

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_scripts import analytic

if TYPE_CHECKING:
    from tests.integration.training_scripts.conftest import Outcome


SCRIPT = Path(analytic.__file__)
Run = Callable[..., "Outcome"]
GOOD = ("--learning_rate", 0.01, "--batch_size", 32, "--epochs", 15, "--regularization", 0.001)


def last(run: Run, *words: object) -> dict[str, float]:
    done = run(analytic.main, *GOOD, *words)
    assert done.code == 0
    row: dict[str, float] = done.rows[-1]
    return row


def test_lines_have_all_metrics(run: Run) -> None:
    done = run(analytic.main, "--epochs", 4)
    assert [len(row) for row in done.rows] == [4, 4, 4, 4]
    assert done.out.splitlines()[2].startswith("epoch=3 train:loss=")


def test_learning_looks_real(run: Run) -> None:
    good = last(run)
    assert good["validation:accuracy"] > 0.95
    assert last(run, "--learning_rate", 0.2)["train:loss"] > 1000  # diverged
    assert 1 < last(run, "--learning_rate", "1e-4")["train:loss"] < 2.4  # too slow
    assert last(run, "--learning_rate", 0.04)["validation:accuracy"] < good["validation:accuracy"] - 0.03  # bounces
    few, many = last(run, "--epochs", 1), last(run, "--epochs", 200)
    assert few["train:loss"] > 1
    assert few["validation:loss"] - few["train:loss"] < 0.05
    assert many["train:loss"] < 0.05
    assert many["validation:loss"] > 0.5
    loose, tight = last(run, "--regularization", 0), last(run, "--regularization", 0.1)
    assert loose["train:loss"] < good["train:loss"] < tight["train:loss"]
    assert loose["validation:loss"] > good["validation:loss"] < tight["validation:loss"]
    small, large = last(run, "--batch_size", 4), last(run, "--batch_size", 256)
    assert small["validation:loss"] > good["validation:loss"] < large["validation:loss"]
    assert last(run, "--train_fraction", 0.05)["validation:loss"] > 5 * good["validation:loss"]


def test_overfitting_turns_the_validation_loss(run: Run) -> None:
    losses = [row["validation:loss"] for row in run(analytic.main, *GOOD, "--regularization", 0, "--epochs", 60).rows]
    assert 5 < losses.index(min(losses)) < 25
    assert losses[-1] > 3 * min(losses)


@given(
    st.floats(1e-30, 1e30), st.integers(1, 10**9), st.integers(1, 10**9), st.floats(0, 1e30), st.floats(1e-9, 1)
)  # fmt: skip
def test_curves_are_finite_everywhere(rate: float, batch: int, epoch: int, penalty: float, fraction: float) -> None:
    asked = {"learning_rate": rate, "batch_size": batch, "regularization": penalty, "train_fraction": fraction}
    for value in analytic.curve(asked, epoch):
        assert math.isfinite(value)
        assert value > 0


def test_surfaces(run: Run) -> None:
    branin = run(analytic.main, "--function", "branin", "-x", math.pi, "-y", 2.275, "--epochs", 1000).rows[-1]
    assert branin["validation:loss"] == pytest.approx(0.397887 + 1 / 1000, abs=1e-5)
    quadratic = run(analytic.main, "--function=quadratic", "-x", "1.3", "-y", "-0.7", "--epochs", 2).rows[-1]
    assert quadratic["validation:loss"] == pytest.approx(2.5)
    assert quadratic["validation:accuracy"] == pytest.approx(1 / 3.5)


def test_noise_is_repeatable_and_of_the_asked_size(run: Run) -> None:
    words = ("--noise", 0.5, "--epochs", 2000, "--function", "quadratic", "-x", 0.3)
    first, two, other = (run(analytic.main, *words, "--seed", seed).rows for seed in (1, 1, 2))
    assert first == two
    assert first != other
    errors = [row["validation:loss"] - 1 / epoch for epoch, row in enumerate(first, 1)]
    mean = sum(errors) / len(errors)
    assert abs(mean) < 0.05
    assert math.sqrt(sum((error - mean) ** 2 for error in errors) / len(errors)) == pytest.approx(0.5, rel=0.1)
    assert all(0 <= row["validation:accuracy"] <= 1 for row in first)


def test_noise_is_the_same_in_every_process(run: Run) -> None:
    words = ["--noise", "0.1", "--epochs", "2", "-x", "0.5"]
    here = run(analytic.main, *words).out
    there = subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=True).stdout
    assert here == there


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--learning_rate", "0"), "learning_rate is '0': it must be a number from 1e-30 to 1e+30."),
        (("--epochs", "2.5"), "epochs is '2.5': it must be a whole number from 1 to 1e+09."),
        (("--epochs", "many"), "epochs is 'many': it must be a whole number from 1 to 1e+09."),
        (("--sleep", "nan"), "sleep is 'nan': it must be a number from 0 to 1e+06."),
        (("--function", "sphere"), "function is 'sphere': it must be one of training, quadratic, branin."),
        (("--function", "branin", "-x", "1"), "function branin needs x and y; it has x."),
        (("--fail-at", "1"), "Failed on purpose in epoch 1, as fail_at asks."),
    ],
)
def test_refusals(run: Run, ml: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], sentence: str) -> None:
    monkeypatch.setenv("SM_OUTPUT_DIR", str(ml / "output"))
    done = run(analytic.main, *words)
    assert (done.code, done.err, done.failure) == (1, f"{sentence}\n", sentence)
    assert not done.rows


def test_fails_in_the_asked_epoch(run: Run) -> None:
    done = run(analytic.main, "--epochs", 5, "--fail_at", 3)
    assert done.code == 1
    assert len(done.rows) == 2


def test_container(run: Run, ml: Path) -> None:
    (ml / "input" / "config").mkdir(parents=True)
    asked = {"epochs": "2", "learning_rate": '"0.02"', "_tuning_objective_metric": "m", "x": "1"}
    (ml / "input" / "config" / "hyperparameters.json").write_text(json.dumps(asked))
    done = run(analytic.main, "train")
    assert len(done.rows) == 2
    assert "'learning_rate': 0.02" in (ml / "model" / "model.txt").read_text()


def test_sigterm_interrupts_the_sleep(tmp_path: Path) -> None:
    environment = {**os.environ, "SM_MODEL_DIR": str(tmp_path / "model")}
    command = [sys.executable, str(SCRIPT), "--sleep", "0.2", "--epochs", "100000"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(timeout=10) == 0
    assert (tmp_path / "model" / "model.txt").exists()
