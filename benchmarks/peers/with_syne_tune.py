"""Syne Tune's local backend, looking at its trials every 10 ms (its default is 5 s, which would be all that is measured).

It takes metrics only in its own notation, so the script is wrapped: what a program under it would have to print itself.
"""

import json
import logging
import os
import sys
import time
from pathlib import Path

os.environ["SYNETUNE_FOLDER"] = str(Path.cwd())  # one of this run's own; read when it is imported

from syne_tune import StoppingCriterion, Tuner
from syne_tune.backend import LocalBackend
from syne_tune.config_space import uniform
from syne_tune.optimizer.baselines import RandomSearch

logging.disable(logging.CRITICAL)
job = json.loads(sys.argv[1])
report = '[tune-metric]: {"accuracy": 0.5, "st_worker_timestamp": 0.0, "st_worker_time": 0.0, "st_worker_iter": 0}'
wrapped = Path("entry.py").absolute()
wrapped.write_text(f"""
import sys
sys.argv += {job["words"]}
try:
    exec(compile(open({job["script"]!r}).read(), {job["script"]!r}, "exec"))
finally:
    print({report!r})
""")
begin = time.perf_counter()
tuner = Tuner(
    trial_backend=LocalBackend(str(wrapped), binary=job["python"]),
    scheduler=RandomSearch({"learning_rate": uniform(0.001, 0.01)}, metrics=["accuracy"], do_minimize=False),
    stop_criterion=StoppingCriterion(max_num_trials_finished=job["jobs"]),
    n_workers=job["parallel"],
    sleep_time=0.01,
)
tuner.run()
seconds = time.perf_counter() - begin
status = tuner.tuning_status
if status is None or status.num_trials_failed or status.num_trials_completed < job["jobs"]:
    sys.exit("trials failed")
print(json.dumps(seconds / status.num_trials_completed))  # it does one more than asked for
