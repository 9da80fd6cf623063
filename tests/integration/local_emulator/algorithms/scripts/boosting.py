"""Runs the scripts that stand in for AWS's LightGBM and CatBoost, in an environment that has the libraries alone."""

import io
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local_emulator.cloud import jumpstart
from tests.conftest import ROOT, unpack

PYTHON = ROOT / ".venv-boosting" / "bin" / "python"
# One process trains and serves them all: the libraries take seconds to import.
DRIVER = """
import importlib, json, os, runpy, sys, tarfile
for step in json.load(sys.stdin):
    for name in ("tabular", "inference"):
        sys.modules.pop(name, None)
    os.environ.update(step["env"])
    sys.path[0], sys.argv = step["code"], ["transfer_learning.py", *step["arguments"]]
    print("STEP", flush=True)
    runpy.run_path(step["code"] + "/transfer_learning.py", run_name="__main__")
    for name in ("tabular", "inference"):
        sys.modules.pop(name, None)
    with tarfile.open(os.path.join(step["env"]["SM_MODEL_DIR"], "..", "model.tar.gz"), "w:gz") as archive:
        archive.add(step["env"]["SM_MODEL_DIR"], ".")
    sys.path[0] = step["env"]["SM_MODEL_DIR"] + "/code"
    inference = importlib.import_module("inference")
    model = inference.model_fn(step["env"]["SM_MODEL_DIR"])
    print("ANSWER", inference.transform_fn(model, step["request"], "text/csv", "application/json;verbose")[0], flush=True)
    print("TREES", model.num_trees() if hasattr(model, "num_trees") else model.tree_count_, flush=True)
"""
needs_boosting = pytest.mark.skipif(
    not (PYTHON.parents[1] / ".ready").exists(),
    reason="LightGBM and CatBoost are in an environment of their own: make .venv-boosting/.ready",
)


class Trained:
    """What a step has printed."""

    def __init__(self, printed: str) -> None:
        self.log, _, rest = printed.partition("ANSWER ")
        answer, _, trees = rest.partition("TREES ")
        self.answer: dict[str, Any] = json.loads(answer)
        self.trees = int(trees)

    def values(self, expression: str) -> list[float]:
        """The values of a metric in the log, the last of a line."""
        return [float(matches[-1]) for line in self.log.splitlines() if (matches := re.findall(expression, line))]


def table(rows: int, classes: int, seed: int) -> np.ndarray[Any, Any]:
    """Targets (a number for 0 classes), a categorical feature that shifts them, and three numbers of which the first counts."""
    numbers = np.random.default_rng(seed)
    kind, features = numbers.integers(0, 3, rows), numbers.uniform(0, 1, (rows, 3)).round(4)
    target = 2 * features[:, 0] + (kind == 2)
    if classes:
        target = np.minimum((target * classes / 3).astype(int), classes - 1)
    return np.column_stack([target, kind, features])


def text(rows: np.ndarray[Any, Any]) -> str:
    written = io.StringIO()
    np.savetxt(written, rows, delimiter=",", fmt="%.6g")
    return written.getvalue()


def step(folder: Path, name: str, classes: int, arguments: Mapping[str, object], model: Path | None = None) -> dict[str, Any]:
    """Code, data and environment of a training job, as a container has them."""
    task = "classification" if classes else "regression"
    archive = jumpstart.content("us-east-1", f"source-directory-tarballs/{name}/transfer_learning/{task}/v1.0.0/sourcedir.tar.gz")
    unpack(archive or b"", folder / "code")
    for channel, rows in {"train": table(300, classes, 0), "validation": table(100, classes, 1)}.items():
        (folder / "data" / channel).mkdir(parents=True)
        (folder / "data" / channel / "data.csv").write_text(text(rows))
    (folder / "data" / "categorical_index.json").write_text('{"cat_index_list": [1]}')
    (folder / "model").mkdir()
    env = {
        "SM_CHANNEL_TRAINING": str(folder / "data"),
        "SM_CHANNEL_MODEL": str(model or ""),
        "SM_MODEL_DIR": str(folder / "model"),
        "SM_HOSTS": '["algo-1"]',
        "SM_CURRENT_HOST": "algo-1",
    }
    words = [word for key, value in arguments.items() for word in (f"--{key}", str(value))]
    request = text(table(50, classes, 2)[:, 1:])
    return {"code": str(folder / "code"), "env": env, "arguments": words, "request": request}


def run(steps: Sequence[Mapping[str, Any]]) -> list[Trained]:
    done = subprocess.run(
        [PYTHON, "-c", DRIVER],
        input=json.dumps(steps),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return [Trained(printed) for printed in done.stdout.split("STEP\n")[1:]]


def check_classes(trained: Trained, classes: int) -> None:
    chances = np.array(trained.answer["probabilities"])
    assert chances.shape == (50, classes)
    assert np.allclose(chances.sum(axis=1), 1)
    assert trained.answer["predicted_label"] == chances.argmax(axis=1).tolist()
    assert (chances.argmax(axis=1) == table(50, classes, 2)[:, 0]).mean() > 0.8
