"""mlp.py as it is used: by hand, in script mode, as a container; what it prints, saves and how it learns."""

import ast
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import contract
import images
import network
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss

import training_scripts
from sm_tuning import Script
from sm_tuning.validation.script_files import script_files
from tests.integration.training_scripts.script import MLP
from training_scripts import METRICS, analytic, mlp

if TYPE_CHECKING:
    from tests.integration.training_scripts.conftest import Outcome


FOLDER = Path(training_scripts.__file__).parent
ROOT = FOLDER.parent
Run = Callable[..., "Outcome"]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder with 300 digits as digits.npz."""
    digits = load_digits()
    path = tmp_path / "train"
    path.mkdir()
    np.savez(path / "digits.npz", x=digits.images[:300], y=digits.target[:300])
    return path


def copy_script(target: Path) -> None:
    """mlp.py under another name, with what it imports, as it is sent."""
    for name, path in script_files(Script(str(FOLDER / "mlp.py"))).files:
        shutil.copy(path, target if name == "mlp.py" else target.with_name(name))


def values(row: dict[str, float]) -> list[float]:
    return [row[name] for name in METRICS]


# How it prints


@pytest.mark.parametrize("number", ["0.5", "-1", "+3.25", "1e-05", "2.5E+10", "-4.e3", ".5", "123456"])
def test_regexes_take_every_form_of_number(number: str) -> None:
    for name, regex in METRICS.items():
        match = re.search(regex, f"epoch=1 {name}={number} seconds=0.1")
        assert match is not None
        assert match[1] == number
        assert len(regex) <= 500


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=50, deadline=None)
def test_whatever_is_printed_is_found(value: float) -> None:
    line = " ".join(f"{name}={value:.8g}" for name in METRICS)
    for regex in METRICS.values():
        assert [float(text) for text in re.findall(regex, line)] == [float(f"{value:.8g}")]


def test_metrics_cost_no_heavy_import() -> None:
    code = "import sys; from training_scripts import METRICS; print(sorted(METRICS), {'numpy', 'sklearn'} & set(sys.modules))"
    seen = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert seen.strip() == f"{sorted(METRICS)} set()"


def test_both_scripts_print_the_same_names() -> None:
    assert tuple(METRICS) == analytic.METRIC_NAMES


OURS = {"contract", "images", "network"}
LIBRARIES: dict[str, set[str]] = {
    "analytic.py": set(),
    "contract.py": set(),
    "minimal.py": {"contract", "numpy", "sklearn", "joblib"},
    "mlp.py": {*OURS, "numpy", "sklearn"},
    "images.py": {"contract", "numpy", "sklearn"},
    "network.py": {"contract", "images", "numpy"},
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_scripts_stand_alone_and_parse_on_older_pythons(name: str) -> None:
    tree = ast.parse((FOLDER / name).read_text(), feature_version=(3, 7) if name in {"contract.py", "minimal.py"} else (3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.split(".")[0] for module in imported} - sys.stdlib_module_names - {"numpy.typing"} <= LIBRARIES[name]


# How it is started


def test_by_hand_on_digits_saves_nothing(run: Run, tmp_path: Path) -> None:
    done = run(MLP, "--epochs", 3)
    assert (done.code, done.err, done.failure) == (0, "", "")
    assert len(done.rows) == 3
    assert all(len(row) == 4 for row in done.rows)
    assert done.rows[-1]["validation:accuracy"] > 0.9
    assert done.rows[-1]["train:loss"] < done.rows[0]["train:loss"]
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["ml", "ml/output"]


def test_both_spellings_and_unknown_arguments(run: Run) -> None:
    common = ("--train-fraction", 0.2, "--epochs", "2.0")
    process = run(MLP, *common, "--learning_rate", "1e-2", "--batch-size=16")
    two = run(
        MLP,
        *common,
        "--learning-rate=0.01",
        "--batch_size",
        16,
        "-k",
        "v",
        "--_tuning_objective_metric",
        "m",
        "--f",
        "-1e-3",
    )
    assert [values(row) for row in process.rows] == [values(row) for row in two.rows]
    assert "ignored: k, _tuning_objective_metric, f" in two.out
    assert "ignored" not in process.out


def test_script_mode(tmp_path: Path, small: Path) -> None:
    names = {"SM_MODEL_DIR": "model", "SM_OUTPUT_DATA_DIR": "output/data", "SM_OUTPUT_DIR": "output", "SM_CHANNEL_TRAIN": "train"}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SM_")}
    environment = {**clean, **{name: str(tmp_path / folder) for name, folder in names.items()}}
    (tmp_path / "code").mkdir()
    (tmp_path / "checkpoints").mkdir()
    copy_script(tmp_path / "code" / "train.py")
    done = subprocess.run(
        [sys.executable, "train.py", "--batch_size", "16", "--epochs", "12", "--hidden", "[32, 16]"],
        cwd=tmp_path / "code", env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    record = json.loads((tmp_path / "output" / "data" / "metrics.json").read_text())
    assert [entry["epoch"] for entry in record["epochs"]] == list(range(1, 13))
    about = json.loads((tmp_path / "model" / "model.json").read_text())
    assert about["hyperparameters"]["hidden"] == [32, 16]
    assert about["metrics"] == record["epochs"][-1]
    assert f"validation:accuracy={about['metrics']['validation:accuracy']:.8g}" in done.stdout
    digits = load_digits()
    labels = network.predict(tmp_path / "model", digits.images[:300])
    assert (labels == digits.target[:300]).mean() > 0.9
    assert (tmp_path / "checkpoints" / "checkpoint").exists()
    assert not (tmp_path / "output" / "failure").exists()


def test_container_train(tmp_path: Path, small: Path) -> None:
    ml = tmp_path / "opt" / "ml"
    (ml / "input" / "config").mkdir(parents=True)
    (ml / "input" / "data").mkdir()
    (ml / "checkpoints").mkdir()
    small.rename(ml / "input" / "data" / "train")
    asked = {"epochs": "2", "batch_size": '"16"', "hidden": "[32]", "learning_rate": 0.01, "_tuning_objective_metric": "x"}
    (ml / "input" / "config" / "hyperparameters.json").write_text(json.dumps(asked))
    (ml / "input" / "config" / "inputdataconfig.json").write_text(json.dumps({"train": {}}))
    program = tmp_path / "bin" / "train"
    program.parent.mkdir()
    copy_script(program)
    program.chmod(0o755)
    path = os.pathsep.join([str(program.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SM_")}
    environment = {**clean, "PATH": path, "SAGEMAKER_BASE_DIR": str(ml)}
    done = subprocess.run(["train"], env=environment, capture_output=True, text=True, check=True)
    assert "240 images to train, 60 to validate" in done.stdout.replace("241", "240").replace("59", "60")
    assert done.stdout.count("validation:accuracy=") == 2
    made = {str(path.relative_to(ml)) for path in ml.rglob("*") if path.is_file() and "input" not in path.parts}
    assert made == {"model/model.npz", "model/model.json", "output/data/metrics.json", "checkpoints/checkpoint"}
    assert json.loads((ml / "model" / "model.json").read_text())["hyperparameters"]["batch_size"] == 16


def test_image_recipe() -> None:
    recipe = (FOLDER / "Dockerfile").read_text()
    lines = [line for line in recipe.splitlines() if line and not line.startswith("#")]
    assert lines[:2] == ["ARG BASE=python:3.11-slim-bookworm", "FROM ${BASE}"]
    copied = [" ".join(line.split()[1:-1]) for line in lines if line.startswith("COPY")]
    assert copied == ["requirements-image.txt", "contract.py images.py network.py", "mlp.py"]
    assert {*" ".join(copied[1:]).split()} == {name for name, _ in script_files(Script(str(FOLDER / "mlp.py"))).files}
    assert not (FOLDER / "requirements.txt").exists()  # script mode would install it in any image
    assert not any(line.startswith(("ENTRYPOINT", "USER")) for line in lines)
    pins = dict(word.split("==") for word in (FOLDER / "requirements-image.txt").read_text().split() if "==" in word)
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["scripts"]
    assert set(pins) >= {requirement.split(">=")[0] for requirement in wanted}
    assert {name: version(name).split(".")[0] for name in pins} == {name: pin.split(".")[0] for name, pin in pins.items()}


# What it reads


def test_csv_equals_npz(run: Run, tmp_path: Path) -> None:
    digits = load_digits()
    for name, rows in (("train", slice(0, 200)), ("validation", slice(200, 260))):
        (tmp_path / name).mkdir()
        table = np.column_stack([digits.target[rows], digits.data[rows]])
        np.savetxt(tmp_path / name / "part-1.csv", table[:30], delimiter=",", fmt="%g")
        np.savetxt(tmp_path / name / "part-2.csv", table[30:], delimiter=",", fmt="%g")
        np.savez(tmp_path / f"{name}.npz", x=digits.images[rows], y=digits.target[rows])
    csv = run(MLP, "--train", "train", "--validation", "validation", "--epochs", 2, "--augmentation", 1)
    npz = run(MLP, "--train", "train.npz", "--validation", "validation.npz", "--epochs", 2, "--augmentation", 1)
    assert "200 images to train, 60 to validate, 10 classes" in csv.out
    assert [values(row) for row in csv.rows] == [values(row) for row in npz.rows]


def test_two_classes_named_by_text_in_colour(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    dark, light = rng.integers(0, 100, (60, 4, 6, 3)), rng.integers(60, 255, (60, 4, 6, 3))
    x, y = np.concatenate([dark, light]).astype(np.uint8), np.repeat(["dark", "light"], 60)
    np.savez(tmp_path / "two.npz", x=x, y=y)
    done = run(MLP, "--train", "two.npz", "--model-dir", "model", "--epochs", 20, "--augmentation", 0.5)
    assert done.rows[-1]["validation:accuracy"] > 0.9
    labels = network.predict("model", x)
    assert (labels == y).mean() > 0.9
    assert (mlp.predict_fn(x, mlp.model_fn("model")) == labels).all(), "as an endpoint serves it"


def test_what_is_judged_agrees_with_scikit_learn(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[mlp.Training] = []
    monkeypatch.setattr(mlp, "tell", seen.append)
    done = run(MLP, "--epochs", 2, "--hidden", "20,10", "--train_fraction", 0.3)
    training = seen[-1]
    data, model = training.data, training.model
    assert done.rows[-1]["train:accuracy"] == pytest.approx(model.score(data.x, data.y), abs=1e-7)
    assert done.rows[-1]["validation:accuracy"] == pytest.approx(model.score(data.validation_x, data.validation_y), abs=1e-7)
    theirs = model.predict_proba(data.validation_x).astype(float)
    theirs = log_loss(data.validation_y, theirs / theirs.sum(axis=1, keepdims=True))
    assert done.rows[-1]["validation:loss"] == pytest.approx(theirs, rel=1e-4)


# How it learns


def test_same_seed_same_numbers_another_seed_others(run: Run) -> None:
    first, two, other = (run(MLP, "--epochs", 2, "--train_fraction", 0.3, "--seed", seed) for seed in (7, 7, 8))
    assert [values(row) for row in first.rows] == [values(row) for row in two.rows]
    assert [values(row) for row in first.rows] != [values(row) for row in other.rows]


def test_seed_leaves_the_validation_images_alone() -> None:
    first, other = (images.load_data({}, 0.5, seed) for seed in (1, 2))
    assert (first.validation_x == other.validation_x).all()
    assert first.digest() != other.digest()


def test_penalty_does_not_depend_on_the_batch(ml: Path) -> None:
    asked = contract.read_job(mlp.HYPERPARAMETERS, ["--regularization", "0.01", "--batch_size", "100"]).hyperparameters
    training = mlp.Training(asked, images.load_data({}, 1, 0))
    assert [end - start for start, end in training.pieces()] == [1000, 400, 38]
    for count in (1000, 38):
        training.fit(training.data.x[:count], training.data.y[:count])
        assert training.model.alpha / training.model.batch_size == pytest.approx(0.01)


def test_early_stopping_stops_and_saves_the_best_epoch(run: Run) -> None:
    done = run(MLP, "--epochs", 300, "--early_stopping_patience", 4, "--learning_rate", 0.02, "--model-dir", "model")
    losses = [row["validation:loss"] for row in done.rows]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 4
    about = json.loads(Path("model/model.json").read_text())
    assert about["epoch"] == best + 1
    assert f"{about['metrics']['validation:loss']:.8g}" == f"{losses[best]:.8g}"
    assert f"early stopping after epoch {len(losses)}, the best was epoch {best + 1}" in done.out
    digits = load_digits()
    assert (network.predict("model", digits.images) == digits.target).mean() > 0.97


def test_patience_zero_never_stops(run: Run) -> None:
    done = run(MLP, "--epochs", 30, "--learning_rate", 0.3, "--train_fraction", 0.1)
    assert len(done.rows) == 30


def test_augmentation_narrows_the_gap(run: Run) -> None:
    asked = ("--train_fraction", 0.05, "--epochs", 100)
    plain, changed = (run(MLP, *asked, "--augmentation", strength).rows[-1] for strength in (0, 1))
    assert values(plain) != values(changed)
    assert changed["validation:loss"] - changed["train:loss"] < plain["validation:loss"] - plain["train:loss"]


@given(strength=st.floats(0, 1), seed=st.integers(0, 999), colours=st.sampled_from([1, 3]))
@settings(max_examples=25, deadline=None)
def test_augmented_images_are_near_the_old(strength: float, seed: int, colours: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.random((50, 5 * 4 * colours), dtype=np.float32)
    new = images.augmented(x, (5, 4, colours), strength, np.random.default_rng(seed))
    assert new.shape == x.shape
    assert new.dtype == np.float32
    assert (new == images.augmented(x, (5, 4, colours), strength, np.random.default_rng(seed))).all()
    assert np.abs(new - x).max() <= 0.5 * strength + 0.2 * strength * 7
    if strength == 0:
        assert (new == x).all()


def test_augmentation_moves_towards_a_neighbour() -> None:
    x = np.zeros((400, 25), np.float32)
    x[:, 12] = 1
    new = images.augmented(x, (5, 5, 1), 1.0, np.random.default_rng(0)).mean(axis=0).reshape(5, 5)
    assert 0.7 < new[2, 2] < 0.9  # a ninth stays, the others lose a quarter on average
    assert 0.01 < new[1:4, 1:4].sum() - new[2, 2] < 0.4
    assert abs(new[0]).max() < 0.05


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 99))
@settings(deadline=None)
def test_a_smaller_share_is_part_of_a_larger_one(labels: list[int], seed: int) -> None:
    y = np.array(labels)
    masks = [images.picked(y, share, np.random.default_rng(seed), least=1) for share in (0.05, 0.3, 0.7, 1.0)]
    assert all((small <= large).all() for small, large in itertools.pairwise(masks))
    assert all(set(y[mask]) == set(labels) for mask in masks)
    assert masks[-1].all()


def test_more_data_is_better(run: Run) -> None:
    few, many = (run(MLP, "--train_fraction", share, "--epochs", 10).rows[-1] for share in (0.05, 1))
    assert many["validation:accuracy"] > few["validation:accuracy"] + 0.1


def test_good_hyperparameters_are_good(run: Run) -> None:
    last = run(MLP, "--learning_rate", 0.005, "--epochs", 20).rows[-1]
    assert last["validation:accuracy"] > 0.97


def test_five_percent_of_the_data_and_200_epochs_overfit(run: Run) -> None:
    last = run(MLP, "--train_fraction", 0.05, "--epochs", 200).rows[-1]
    assert last["train:accuracy"] == 1.0
    assert last["train:loss"] < 0.02
    assert last["validation:accuracy"] < 0.93
    assert last["validation:loss"] > 0.3


def test_one_epoch_at_a_tiny_rate_underfits(run: Run) -> None:
    last = run(MLP, "--learning_rate", "1e-5", "--epochs", 1).rows[-1]
    assert last["train:accuracy"] < 0.3
    assert last["train:loss"] > 2
    assert abs(last["validation:loss"] - last["train:loss"]) < 0.1


def test_too_high_a_rate_is_seen_in_the_loss(run: Run) -> None:
    done = run(MLP, "--solver", "sgd", "--learning_rate", 10, "--epochs", 5)
    assert done.code == 0
    assert done.rows[-1]["train:loss"] > 2.3
    assert done.rows[-1]["validation:accuracy"] < 0.3


def test_too_much_regularization_underfits(run: Run) -> None:
    last = run(MLP, "--regularization", 0.1).rows[-1]
    assert last["train:accuracy"] < 0.85
    assert abs(last["validation:loss"] - last["train:loss"]) < 0.1
