"""Ray Tune on a local Ray that has started before the clock does; a trial runs the script in a subprocess."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

os.environ |= {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_WARN_EXCESSIVE": "0",
}

import ray
from ray import tune

job = json.loads(sys.argv[1])


def trial(config: dict[str, float]) -> None:
    """Run the script once."""
    command = [job["python"], job["script"], *job["words"], "--learning_rate", str(config["learning_rate"])]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    tune.report({"accuracy": float(re.findall(r"validation:accuracy=([0-9.eE+-]+)", output)[-1])})


ray.init(num_cpus=job["parallel"], include_dashboard=False, log_to_driver=False, logging_level="ERROR")
with tempfile.TemporaryDirectory() as folder:
    begin = time.perf_counter()
    results = tune.Tuner(
        trial,
        param_space={"learning_rate": tune.uniform(0.001, 0.01)},
        tune_config=tune.TuneConfig(
            num_samples=job["jobs"], max_concurrent_trials=job["parallel"], metric="accuracy", mode="max"
        ),
        run_config=tune.RunConfig(storage_path=folder, verbose=0),
    ).fit()
    seconds = time.perf_counter() - begin
ray.shutdown()
if results.errors or len(results) != job["jobs"]:
    sys.exit("trials failed")
print(json.dumps(seconds / job["jobs"]))
