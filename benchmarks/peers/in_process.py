"""The physical limit: the script's code, compiled once, runs over and over in a process that has imported everything."""

import contextlib
import importlib
import io
import json
import os
import sys
import time
from pathlib import Path

job = json.loads(sys.argv[1])
for module in job["imports"]:
    importlib.import_module(module)
code = compile(Path(job["script"]).read_text(), job["script"], "exec")
sys.argv = [job["script"], *job["words"], "--learning_rate", "0.005"]
sys.path.insert(0, os.path.dirname(job["script"]))  # noqa: PTH120 - as Python does for a script
share = job["jobs"] // job["parallel"]
begin = time.perf_counter()
children = []
for _ in range(job["parallel"]):
    child = os.fork()
    if child == 0:
        for _ in range(share):
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(code, {"__name__": "__main__", "__file__": job["script"]})  # noqa: S102 - running the script is the point
            except SystemExit as end:
                if end.code:
                    os._exit(1)
        os._exit(0)
    children.append(child)
if any(os.waitpid(child, 0)[1] for child in children):
    sys.exit("the script failed")
print(json.dumps((time.perf_counter() - begin) / (share * job["parallel"])))
