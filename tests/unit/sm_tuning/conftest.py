"""A tuning job to change."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sm_tuning import Objective, Random, Script, TuningJob, learning_rate

SCRIPT = "import sys\nprint('score=' + sys.argv[sys.argv.index('--learning_rate') + 1])\n"


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., TuningJob]:
    """A function that makes a good tuning job with some members changed."""
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    good = TuningJob(
        name="good",
        script=Script(str(script)),
        objective=Objective.minimize("score", r"score=([-+0-9.eE]+)", sample="score=1e-05"),
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
