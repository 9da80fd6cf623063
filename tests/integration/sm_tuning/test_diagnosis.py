"""Real training, whose faults are made on purpose: the diagnosis finds them."""

import os
import re
import subprocess
import sys
from pathlib import Path

from sm_tuning.analysis import Fit, Verdict, diagnose
from sm_tuning.analysis.curves import Curves
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.description import TuningJobDescription
from sm_tuning.spec.metrics import Objective
from tests.conftest import ROOT
from training_scripts import METRICS


def trained(folder: Path, **hyperparameters: float) -> Curves:
    """The learning curves of the project's own script on the digits."""
    (folder / "model").mkdir(parents=True)
    words = [word for name, value in hyperparameters.items() for word in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, ROOT / "training_scripts" / "mlp.py", *words],
        env={**os.environ, "SM_MODEL_DIR": str(folder / "model"), "SAGEMAKER_BASE_DIR": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    curves = {name: [float(match[1]) for match in re.finditer(regex, done.stdout)] for name, regex in METRICS.items()}
    return {name: values for name, values in curves.items() if values}


def judged(curves: Curves) -> tuple[Fit, list[str]]:
    """The verdict, and the remedies when it is the only training job."""
    trial = TrialResult(
        tuning_job="digits",
        name="one",
        status="Completed",
        hyperparameters={"epochs": "1"},
        reported=curves["validation:accuracy"][-1],
        curves=curves,
    )
    job = TuningJobDescription(name="digits", objective=Objective.maximize("validation:accuracy"))
    diagnosis = diagnose(Results(tuning_jobs=[job], trials=[trial]))
    return diagnosis.fit, [advice.remedy for advice in diagnosis.advice]


def test_little_data_and_many_epochs_overfit(tmp_path: Path) -> None:
    curves = trained(tmp_path, epochs=200, learning_rate=0.01, batch_size=16, regularization=1e-6, train_fraction=0.05)
    fit, remedies = judged(curves)
    assert fit.verdict is Verdict.OVERFIT, fit
    assert remedies[0] == "more training data"


def test_one_epoch_at_a_tiny_rate_underfits(tmp_path: Path) -> None:
    fit, remedies = judged(trained(tmp_path, epochs=1, learning_rate=1e-6, batch_size=64, regularization=1e-6))
    assert fit.verdict is Verdict.UNDERFIT, fit
    assert remedies[0] == "more epochs"


def test_a_sound_training_job_is_not_called_overfit(tmp_path: Path) -> None:
    curves = trained(tmp_path, epochs=15, learning_rate=0.003, batch_size=32, regularization=1e-3)
    fit, _ = judged(curves)
    assert fit.verdict in {Verdict.GOOD, Verdict.IMPROVING}, fit
