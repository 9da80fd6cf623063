"""mlp.py on bad input: one sentence on stderr and in the failure file, exit code 1."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.integration.training_scripts.script import MLP
from training_scripts import mlp

if TYPE_CHECKING:
    from tests.integration.training_scripts.conftest import Outcome


Run = Callable[..., "Outcome"]


def refused(done: "Outcome", sentence: str) -> None:
    assert done.code == 1
    assert done.err == f"{sentence}\n"
    assert done.failure == sentence
    assert not done.rows


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("learning_rate", "0", "a number above 0"),
        ("learning_rate", "-1e-3", "a number above 0"),
        ("learning_rate", "nan", "a number above 0"),
        ("learning_rate", "inf", "a number above 0"),
        ("learning_rate", "fast", "a number above 0"),
        ("batch_size", "0", "a whole number from 1"),
        ("batch_size", "31.5", "a whole number from 1"),
        ("epochs", "0", "a whole number from 1"),
        ("epochs", "1e400", "a whole number from 1"),
        ("epochs", "", "a whole number from 1"),
        ("regularization", "-0.1", "a number from 0"),
        ("early_stopping_patience", "-1", "a whole number from 0"),
        ("augmentation", "1.1", "a number from 0 to 1"),
        ("train_fraction", "0", "a number above 0, up to 1"),
        ("train_fraction", "1.5", "a number above 0, up to 1"),
        ("hidden", "64,0", "whole numbers from 1 to 65536 with commas, such as 128,64"),
        ("hidden", "", "whole numbers from 1 to 65536 with commas, such as 128,64"),
        ("solver", "lbfgs", "adam or sgd"),
        ("momentum", "1", "a number from 0, below 1"),
        ("seed", "-1", "a whole number from 0, below 2**32"),
        ("checkpoint_seconds", "-1", "a number from 0"),
    ],
)
def test_bad_hyperparameter(run: Run, name: str, value: str, rule: str) -> None:
    refused(run(MLP, f"--{name}", value), f"{name} is {value!r}: it must be {rule}.")


def test_missing_value(run: Run) -> None:
    done = run(MLP, "--epochs")
    refused(done, "The command line is wrong: argument --epochs: expected one argument.")


def test_every_default_is_allowed() -> None:
    for name, rule in mlp.HYPERPARAMETERS.items():
        assert rule.fits(rule.read(str(rule.default))), name


def npz(path: Path, **arrays: NDArray[Any]) -> Path:
    content: dict[str, Any] = {**arrays}
    np.savez(path, **content)
    return path


def text(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def folder(path: Path, *files: str) -> Path:
    path.mkdir()
    for name in files:
        (path / name).write_text("")
    return path


X, Y = np.arange(40.0).reshape(10, 4), np.repeat([0, 1], 5)
HOLES = np.where(X > 30, np.nan, X)

FILES: list[tuple[Callable[[Path], Path], str]] = [
    (lambda at: at / "none", "The channel train is missing: {path} does not exist."),
    (lambda at: folder(at / "empty"), "The channel train has no .npz or .csv file: {path} holds nothing."),
    (lambda at: folder(at / "odd", "a.txt"), "The channel train has no .npz or .csv file: {path} holds a.txt."),
    (lambda at: npz(at / "a.npz", x=X), "{path} must hold the arrays x and y; it holds x."),
    (lambda at: text(at / "a.npz", "no zip"), "{path} cannot be read: not an npz archive."),
    (
        lambda at: npz(at / "a.npz", x=X, y=Y[:4]),
        "{path} has 10 images, but labels of the shape (4,): one label per image is needed.",
    ),
    (
        lambda at: npz(at / "a.npz", x=X[0], y=Y[:4]),
        "{path} holds no images: x has the shape (4,); (images, pixels) or (images, height, width) is needed.",
    ),
    (lambda at: npz(at / "a.npz", x=HOLES, y=Y), "{path} has pixels that are no finite numbers (float64)."),
    (lambda at: npz(at / "a.npz", x=X.astype(str), y=Y), "{path} has pixels that are no finite numbers (<U32)."),
    (lambda at: npz(at / "a.npz", x=X, y=Y + 0.5), "{path} has the label 0.5: a class is a whole number or a text."),
    (
        lambda at: npz(at / "a.npz", x=X, y=Y + 1j),
        "{path} has labels of the type complex128: a class is a whole number or a text.",
    ),
    (lambda at: npz(at / "a.npz", x=X, y=0 * Y), "All 8 training images have the label 0: two classes are needed."),
    (lambda at: npz(at / "a.npz", x=0 * X, y=Y), "All pixels of all 8 training images are 0: there is nothing to learn from."),
    (
        lambda at: npz(at / "a.npz", x=X[:2], y=np.array([0, 1])),
        "The 2 images of the channel train are too few to hold a fifth back: add a channel validation.",
    ),
    (
        lambda at: text(at / "a.csv", ""),
        "{path} holds no images: x has the shape (0, 0); (images, pixels) or (images, height, width) is needed.",
    ),
    (lambda at: text(at / "a.csv", "0.5,1,2\n1,3,4\n"), "{path} has the label 0.5: a class is a whole number or a text."),
]


@pytest.mark.parametrize(("make", "sentence"), FILES)
def test_bad_channel(run: Run, tmp_path: Path, make: Callable[[Path], Path], sentence: str) -> None:
    path = make(tmp_path)
    refused(run(MLP, "--train", path, "--model-dir", "model"), sentence.format(path=path))
    assert not Path("model").exists()


@pytest.mark.parametrize("content", ["label,a,b\n1,2,3\n", "1,2,3\n1,2\n", "1,2,x\n", "\x00\x01"])
def test_bad_csv(run: Run, tmp_path: Path, content: str) -> None:
    path = text(tmp_path / "a.csv", content)
    done = run(MLP, "--train", path)
    assert done.code == 1
    assert done.failure.startswith(f"{path} cannot be read as numbers with commas between, without a header: ")
    assert "Traceback" not in done.err


def test_pickled_arrays_are_not_loaded(run: Run, tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", x=np.array([{"a": 1}] * 10, dtype=object), y=Y)
    done = run(MLP, "--train", path)
    assert done.failure.startswith(f"{path} cannot be read: Object arrays cannot be loaded")


def test_damaged_archive(run: Run, tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", x=np.random.default_rng(0).random((50, 64)), y=np.arange(50) % 5)
    content = bytearray(path.read_bytes())
    content[5000] ^= 255
    path.write_bytes(content)
    done = run(MLP, "--train", path)
    assert done.code == 1
    assert "cannot be read: Bad CRC-32" in done.failure


def test_channels_that_do_not_fit_together(run: Run, tmp_path: Path) -> None:
    train = npz(tmp_path / "train.npz", x=X, y=Y)
    other = npz(tmp_path / "other.npz", x=X[:, :3], y=Y)
    strange = npz(tmp_path / "strange.npz", x=X, y=Y + 7)
    done = run(MLP, "--train", train, "--validation", other)
    refused(done, "Images differ in shape: (4,) in the channel train, (3,) in validation.")
    done = run(MLP, "--train", train, "--validation", strange)
    refused(done, "The channel validation has labels that train lacks: 7, 8.")
    both = tmp_path / "both"
    both.mkdir()
    first, second = npz(both / "a.npz", x=X, y=Y), npz(both / "b.npz", x=X[:, :3], y=Y)
    refused(run(MLP, "--train", both), f"Images differ in shape: (4,) in {first}, (3,) in {second}.")


@pytest.mark.parametrize("container", [True, False])
def test_missing_train_channel(run: Run, ml: Path, monkeypatch: pytest.MonkeyPatch, *, container: bool) -> None:
    config = ml / "input" / "config"
    config.mkdir(parents=True)
    (config / "inputdataconfig.json").write_text(json.dumps({"test": {}, "code": {}}))
    if not container:
        monkeypatch.setenv("SM_CHANNEL_TEST", str(ml))
    done = run(MLP, *(["train"] if container else []), "--epochs", 1)
    refused(done, "The channel train is missing: there is only test. Without any channel the digits are used.")


def test_declared_channel_without_its_folder(run: Run, ml: Path) -> None:
    config = ml / "input" / "config"
    config.mkdir(parents=True)
    (config / "inputdataconfig.json").write_text(json.dumps({"train": {}}))
    refused(run(MLP, "train"), f"The channel train is missing: {ml}/input/data/train does not exist.")


@pytest.mark.parametrize("content", ["{", "[1]", '"a"'])
def test_broken_hyperparameters_file(run: Run, ml: Path, content: str) -> None:
    config = ml / "input" / "config"
    config.mkdir(parents=True)
    path = text(config / "hyperparameters.json", content)
    done = run(MLP, "train")
    assert done.code == 1
    assert done.failure.startswith(f"{path} is not a JSON object of hyperparameters: ")


def test_loss_that_is_no_number(run: Run, tmp_path: Path) -> None:
    done = run(MLP, "--solver", "sgd", "--learning_rate", "1e30", "--epochs", 3, "--output-data-dir", "data")
    assert done.code == 1
    expected = (
        "The loss is not a number in epoch 1: learning_rate=1e+30 is too high (solver=sgd, batch_size=32, regularization=0.0001)."
    )
    refused(done, expected)
    assert json.loads((tmp_path / "data" / "metrics.json").read_text())["epochs"] == []


def test_place_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    text(tmp_path / "file", "")
    done = run(MLP, "--epochs", 1, "--train_fraction", 0.1, "--model-dir", "file")
    assert done.code == 1
    assert str(Path("file")) in done.failure
    assert "Traceback" not in done.err


def test_bug_is_told_with_the_end_of_its_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no such luck" + " indeed" * 40)

    monkeypatch.setattr(mlp, "load_data", broken)
    done = run(MLP)
    assert done.code == 1
    assert done.failure.startswith("RuntimeError: no such luck")
    assert "in broken" in done.failure
    assert "Traceback" in done.err


def test_too_little_memory(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: object) -> None:
        raise MemoryError("Unable to allocate 1. TiB")

    monkeypatch.setattr(mlp, "load_data", greedy)
    refused(run(MLP), "Not enough memory for these images, hidden layers and batch_size: Unable to allocate 1. TiB.")


def test_missing_library(ml: Path) -> None:
    code = "import runpy, sys; sys.modules['sklearn.neural_network'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
    command = [sys.executable, "-c", code, mlp.__file__]
    environment = {**os.environ, "PYTHONPATH": str(Path(mlp.__file__).parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    failure = (ml / "output" / "failure").read_text()
    assert (done.returncode, done.stderr, done.stdout) == (1, f"{failure}\n", "")
    assert failure.endswith("this script needs numpy and scikit-learn.")


def test_by_hand_without_opt_ml_no_failure_file(run: Run, ml: Path) -> None:
    (ml / "output").rmdir()
    done = run(MLP, "--epochs", 0)
    assert done.code == 1
    assert not (ml / "output").exists()


def test_larger_batch_than_images_is_cut(run: Run) -> None:
    done = run(MLP, "--train_fraction", 0.05, "--batch_size", 1000, "--epochs", 1)
    assert done.code == 0
    assert "note: batch_size 1000 is more than the training images; 70 is used" in done.out


def test_rows_that_are_no_images(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = npz(tmp_path / "a.npz", x=rng.random((100, 7)), y=np.arange(100) % 2)
    done = run(MLP, "--train", path, "--augmentation", 0.5, "--epochs", 1)
    assert done.code == 0
    assert "note: rows of 7 pixels are no square images; augmentation only adds noise" in done.out
