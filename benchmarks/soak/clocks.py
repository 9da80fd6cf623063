"""R14: the machine's clock jumps a hundred times, by an hour to a month, while training jobs run. Needs gcc.

    python benchmarks/soak/clocks.py [--jumps 100]

A library that is loaded before the C library moves what the emulator, and what inherits its environment, takes for the time of day;
the machine's own clock stays. Every second training job ends by itself, every other one when its time is over: neither may be early or
late, and nothing may end before it began.
"""

import argparse
import mmap
import os
import random
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from benchmarks.soak.figures import Figures, folder, reset
from tests.conftest import IMAGE, ROLE, Server

DAY, HOUR = 86_400, 3_600
JUMPS = (DAY, -DAY, HOUR, -HOUR, 30 * DAY)
EVERY = 0.5  # seconds
MAX_RUNTIME = 3
LATE = 15.0  # seconds that starting and ending may take on a machine that does other work
SHIM = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static const volatile long *offset;
__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SOAK_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *there = mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (there != MAP_FAILED) offset = there;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME && offset) now->tv_sec += *offset;
    return failed;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec there;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &there);
    now->tv_sec = there.tv_sec;
    now->tv_usec = there.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""
SCRIPT = "import sys, time; print('score=1', flush=True); time.sleep(float(sys.argv[sys.argv.index('--seconds') + 1]))"


class Jumping:
    """The time of day of all processes that have the library loaded."""

    def __init__(self, path: Path) -> None:
        (path / "clock").write_bytes(bytes(8))
        (path / "shim.c").write_text(SHIM)
        subprocess.run(["/usr/bin/gcc", "-shared", "-fPIC", "-O1", "-o", path / "shim.so", path / "shim.c"], check=True)
        with (path / "clock").open("r+b") as file:
            self._offset = mmap.mmap(file.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(path / "shim.so"), "SOAK_CLOCK": str(path / "clock")}

    def jump(self, seconds: int) -> None:
        """Move the time of day."""
        self._offset[:] = struct.pack("l", struct.unpack("l", self._offset[:])[0] + seconds)

    def moves(self) -> bool:
        """Whether a Python that is started now sees it."""
        self.jump(DAY)
        command = [sys.executable, "-c", "import time; print(time.time())"]
        said = subprocess.run(command, env={**os.environ, **self.environment}, capture_output=True, text=True, check=True).stdout
        self.jump(-DAY)
        return float(said) > time.time() + DAY / 2


def begin(server: Server, source: str, name: str, seconds: int) -> None:
    """Create a training job whose script takes so many seconds."""
    server.client("sagemaker").create_training_job(
        TrainingJobName=name,
        HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": source, "seconds": str(seconds)},
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": "s3://clocks/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": MAX_RUNTIME if seconds > MAX_RUNTIME else 600},
    )


def wrong(job: Mapping[str, Any]) -> str | None:
    """What is wrong with how a training job ended, and when."""
    long = job["HyperParameters"]["seconds"] != "1"
    description = f"{job['TrainingJobName']}: {job['SecondaryStatus']}, {job.get('TrainingTimeInSeconds')} s"
    if job["SecondaryStatus"] != ("MaxRuntimeExceeded" if long else "Completed"):
        return description
    if not (MAX_RUNTIME if long else 1) <= job["TrainingTimeInSeconds"] <= (MAX_RUNTIME if long else 1) + LATE:
        return description
    times = [job["CreationTime"], job["TrainingStartTime"], job["TrainingEndTime"], job["LastModifiedTime"]]
    moves = [(move["StartTime"], move["EndTime"]) for move in job["SecondaryStatusTransitions"]]
    if times != sorted(times) or any(end < start for start, end in moves):
        return f"{description}: {times} {moves}"
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jumps", type=int, default=100, help="default: %(default)s")
    options = parser.parse_args(argv)
    figures, rng = Figures(), random.Random(14)  # noqa: S311 - not for secrets
    names: list[str] = []
    with folder() as path:
        clock = Jumping(path)
        if not clock.moves():
            print("the library does not move Python's clock here", file=sys.stderr)
            return 2
        os.environ.update(clock.environment)  # of the emulator; this process has begun without it
        server = Server(state=path / "state", arguments=("--stop-grace", "1", "--parallel", "4"))
        try:
            source = server.start().upload_source("clocks", SCRIPT)
            for number in range(options.jumps):
                if number % 4 == 0:
                    names.append(f"job-{number}")
                    begin(server, source, names[-1], 1 if number % 8 else 600)
                time.sleep(EVERY)
                clock.jump(rng.choice(JUMPS))
            client, deadline = server.client("sagemaker"), time.monotonic() + 300
            while client.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"] and time.monotonic() < deadline:
                time.sleep(0.5)
            faults = [fault for name in names if (fault := wrong(client.describe_training_job(TrainingJobName=name)))]
        finally:
            server.end()
            reset(server.state)
    figures.exactly("jumps", options.jumps, 100)
    figures.note("training jobs meanwhile", len(names))
    figures.none("ends that were early or late, or before the beginning", faults)
    return figures.print()


if __name__ == "__main__":
    sys.exit(main())
