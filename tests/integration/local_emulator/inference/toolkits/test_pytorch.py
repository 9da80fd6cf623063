"""TorchScript models and scripts of PyTorch, in an environment that has it. AWS's handlers gave the same answers to these requests."""

import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.integration.local_emulator.inference.containers import START, script, serving

SAVE = """
import json, sys, torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
torch.jit.script(model).save(sys.argv[1] + "/own.pth")
torch.save(model.state_dict(), sys.argv[1] + "/state.bin")
print(json.dumps(model(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])).tolist()))
"""
SCRIPT = """
import torch
def model_fn(folder):
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    model.load_state_dict(torch.load(folder + "/state.bin"))
    return model
"""


@pytest.fixture(scope="module")
def python() -> str:
    """A Python that has PyTorch."""
    candidates: list[str | Path] = [
        ROOT / ".venv-torch/bin/python",
        ROOT / ".venv-scripts/bin/python",
        os.environ.get("SCRIPTS_PYTHON", ""),
    ]
    installed = [str(path) for path in candidates if path and Path(path).is_file()]
    if not installed:
        pytest.skip("PyTorch is not installed: make .venv-torch/.ready")
    return installed[0]


@pytest.fixture(scope="module")
def saved(python: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The base folder of a model, and what the model says of two rows."""
    base = tmp_path_factory.mktemp("torch")
    (base / "model").mkdir()
    printed = subprocess.run([python, "-c", SAVE, base / "model"], capture_output=True, text=True, check=True).stdout
    return base, json.loads(printed)


ROWS = b"[[1, 2, 3], [4, 5, 6]]"


def test_predictions_are_the_models(python: str, saved: tuple[Path, Any]) -> None:
    base, said = saved
    buffer = io.BytesIO()
    np.save(buffer, np.array(json.loads(ROWS), dtype=np.float32))
    with serving((str(START), "pytorch"), base, python=python) as served:
        assert json.loads(served.invoke(ROWS, "application/json").body) == said
        answer = served.invoke(b"1,2,3\n4,5,6", "text/csv", "text/html, text/csv")
        assert np.loadtxt(io.BytesIO(answer.body), delimiter=",").tolist() == said
        assert answer.content_type == "text/html, text/csv"
        npy = served.invoke(buffer.getvalue(), "application/x-npy", "application/x-npy")
        assert np.load(io.BytesIO(npy.body)).tolist() == said
        for body, kind, accept, sentence in (
            (b"[[1, 2]]", "application/json", "*/*", b"The following operation failed in the TorchScript interpreter."),
            (ROWS, "text/plain", "*/*", b"Content type text/plain is not supported by this framework."),
            (ROWS, "application/json", "text/plain", b"Content type text/plain is not supported by this framework."),
        ):
            failed = served.invoke(body, kind, accept)
            assert (failed.status, failed.body.splitlines()[0]) == (500, sentence)


def test_a_script_loads_what_it_likes(python: str, saved: tuple[Path, Any]) -> None:
    base, said = saved
    with serving((str(START), "pytorch"), base, script(base, SCRIPT), python=python) as served:
        assert json.loads(served.invoke(ROWS, "application/json").body) == said
