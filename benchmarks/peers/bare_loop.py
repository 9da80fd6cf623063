"""What somebody would write by hand: a loop of subprocesses, as many at a time as asked for. Nothing is recorded."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

job = json.loads(sys.argv[1])
command = [job["python"], job["script"], *job["words"], "--learning_rate", "0.005"]
begin = time.perf_counter()
with ThreadPoolExecutor(job["parallel"]) as threads:
    list(threads.map(lambda _: subprocess.run(command, check=True, capture_output=True), range(job["jobs"])))
print(json.dumps((time.perf_counter() - begin) / job["jobs"]))
