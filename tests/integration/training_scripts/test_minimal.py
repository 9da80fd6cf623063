"""minimal.py as it is copied, with contract.py alone: by hand, in script mode, as a container; and how long the scripts are."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import joblib
import pytest
from sklearn.datasets import load_digits

import training_scripts
from tests.integration.training_scripts.conftest import rows_of

FOLDER = Path(training_scripts.__file__).parent


@pytest.fixture
def code(ml: Path, tmp_path: Path) -> Path:
    """A source folder of somebody's own."""
    (tmp_path / "code").mkdir()
    for name in ("minimal.py", "contract.py"):
        shutil.copy(FOLDER / name, tmp_path / "code")
    return tmp_path / "code"


def run(code: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(code / "minimal.py"), *words]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def test_scripts_are_short_enough_to_copy() -> None:
    lengths = {name: len((FOLDER / name).read_text().splitlines()) for name in ("minimal.py", "mlp.py", "contract.py")}
    assert lengths["minimal.py"] < 50, lengths
    assert lengths["mlp.py"] < 270, lengths  # it serves its model too
    assert lengths["contract.py"] < 400, lengths


def test_by_hand(code: Path, tmp_path: Path) -> None:
    done = run(code, "--epochs", "8", "--learning-rate", "0.01", "--model_dir", str(tmp_path / "saved"))
    assert (done.returncode, done.stderr) == (0, "")
    rows = rows_of(done.stdout)
    assert [len(row) for row in rows] == [4] * 8
    assert rows[-1]["validation:accuracy"] > 0.95
    digits = load_digits()
    assert joblib.load(tmp_path / "saved" / "model.joblib").score(digits.data / 16, digits.target) > 0.95


def test_script_mode(code: Path, ml: Path) -> None:
    (ml / "model").mkdir()
    done = run(code, "--epochs", "2", SM_MODEL_DIR=str(ml / "model"), SM_OUTPUT_DIR=str(ml / "output"))
    assert len(rows_of(done.stdout)) == 2
    assert (ml / "model" / "model.joblib").exists()
    done = run(code, "--epochs", "none", SM_MODEL_DIR=str(ml / "model"), SM_OUTPUT_DIR=str(ml / "output"))
    assert done.returncode == 1
    assert (ml / "output" / "failure").read_text() == "epochs is 'none': it must be a whole number from 1."


def test_as_a_container(code: Path, ml: Path) -> None:
    (ml / "input" / "config").mkdir(parents=True)
    (ml / "input" / "config" / "hyperparameters.json").write_text(json.dumps({"epochs": "1", "batch_size": '"64"'}))
    done = run(code, "train")
    assert (done.returncode, len(rows_of(done.stdout))) == (0, 1)
    assert (ml / "model" / "model.joblib").exists()


def test_sigterm_ends_it_after_an_epoch_with_its_model(code: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(code / "minimal.py"), "--epochs", "1000000", "--model_dir", str(tmp_path / "saved")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(timeout=60) == 0
    assert (tmp_path / "saved" / "model.joblib").exists()
