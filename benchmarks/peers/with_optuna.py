"""Optuna, as its documentation keeps a study: in SQLite; a subprocess for each trial, its metric read from its output."""

import json
import re
import subprocess
import sys
import tempfile
import time

import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)
job = json.loads(sys.argv[1])


def objective(trial: optuna.Trial) -> float:
    """Run the script once."""
    rate = trial.suggest_float("learning_rate", 0.001, 0.01)
    command = [job["python"], job["script"], *job["words"], "--learning_rate", str(rate)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(re.findall(r"validation:accuracy=([0-9.eE+-]+)", output)[-1])


with tempfile.TemporaryDirectory() as folder:
    begin = time.perf_counter()
    study = optuna.create_study(
        storage=f"sqlite:///{folder}/study.db", direction="maximize", sampler=optuna.samplers.RandomSampler()
    )
    study.optimize(objective, n_trials=job["jobs"], n_jobs=job["parallel"])
    seconds = time.perf_counter() - begin
if len(study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))) != job["jobs"]:
    sys.exit("trials failed")
print(json.dumps(seconds / job["jobs"]))
