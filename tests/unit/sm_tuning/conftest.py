"""A tuning job to change, and a folder of scripts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sm_tuning import Metric, Objective, Random, Script, TuningJob, learning_rate
from sm_tuning.client.log_search import LogSearch
from sm_tuning.client.log_search_program import matches

SCRIPT = "import sys\nprint('score=' + sys.argv[sys.argv.index('--learning_rate') + 1])\n"

JOB_FILE = """
name = "cost"
script = "train.py"
strategy = "Random"
max_jobs = 10
max_parallel = 2
role = "arn:aws:iam::123456789012:role/r"
output = "s3://bucket"
[objective]
metric = "score"
goal = "Minimize"
regex = 'score=([-+0-9.eE]+)'
[ranges]
learning_rate = {}
"""

FILES = {
    "train.py": "import os, contract\nimport numpy\n\ndef main():\n    from layers.dense import Dense\n    import namespace\n",
    "contract.py": "import deeper\n",
    "deeper.py": "import contract\n",
    "layers/__init__.py": "",
    "layers/dense.py": "from . import weights\nimport helper\nDense = 1\n",
    "layers/weights.txt": "1 2 3",
    "layers/weights.py": "",
    "layers/__pycache__/x.pyc": "",
    "helper.py": "def broken(:\n",
    "namespace/data.csv": "1,2\n",
    "unused.py": "",
    "requirements.txt": "numpy\n",
}


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., TuningJob]:
    """A function that makes a good tuning job with some members changed."""
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    good = TuningJob(
        name="good",
        script=Script(str(script)),
        objective=Objective.minimize("score", r"score=([-+0-9.eE]+)", sample="score=1e-05"),
        metrics=[Metric("train:score", r"fitted=([-+0-9.eE]+)")],
        ranges=[learning_rate()],
        strategy=Random(seed=1),
        max_jobs=2,
        max_parallel=2,
        role="arn:aws:iam::123456789012:role/SageMakerRole",
        output="s3://bucket/prefix/",
    )

    def make(**changes: Any) -> TuningJob:
        return good.changed(**changes)

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def job_file(tmp_path: Path) -> str:
    (tmp_path / "train.py").write_text("print('score=1')")
    (tmp_path / "job.toml").write_text(JOB_FILE)
    return str(tmp_path / "job.toml")


@pytest.fixture
def _log_search_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Expressions are tried in this process: pure tests start no program."""
    monkeypatch.setattr(LogSearch, "_ask", lambda _, question: matches(*json.loads(question)))
