"""The limit of whoever gives each training job a process of its own: one that has imported everything forks for each."""

import importlib
import json
import os
import runpy
import sys
import time

job = json.loads(sys.argv[1])
for module in job["imports"]:
    importlib.import_module(module)
sys.argv = [job["script"], *job["words"], "--learning_rate", "0.005"]
sys.path.insert(0, os.path.dirname(job["script"]))  # noqa: PTH120 - as Python does for a script
begin = time.perf_counter()
running = 0
for number in range(job["jobs"] + job["parallel"]):
    if running == job["parallel"] or number >= job["jobs"]:
        if running and os.wait()[1]:
            sys.exit("the script failed")
        running -= 1
    if number >= job["jobs"]:
        continue
    if os.fork() == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        failed = True
        try:
            runpy.run_path(job["script"], run_name="__main__")
            failed = False
        except SystemExit as end:
            failed = bool(end.code)
        finally:
            sys.stdout.flush()
            os._exit(failed)
    running += 1
print(json.dumps((time.perf_counter() - begin) / job["jobs"]))
