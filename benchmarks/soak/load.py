"""R12: ten thousand training jobs of five hundred tuning jobs, while eight clients ask for them.

    python benchmarks/soak/load.py [--tunings 500] [--trainings 20] [--minutes 15]

The scripts do nothing but print a value. A fifth of the training jobs is warm-up; what the server holds in the fifth after that is
compared with the last tenth. No more tuning jobs are begun when the time is over: how many there were is the first figure.
"""

import argparse
import json
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed


from benchmarks.api import Client, resident
from benchmarks.soak.figures import Figures, folder, percentile, served
from tests.conftest import Server, tuning_request

CLIENTS = 8
AT_A_TIME = 10  # tuning jobs
PAUSE = 0.1  # seconds between two questions of a client
GROWTH = 10  # per cent
SLOWEST = 50  # milliseconds
DATABASE = 200  # MB


@dataclass(frozen=True)
class Sample:
    """What a server holds after so many training jobs."""

    jobs: int
    memory: float  # MB
    files: int
    threads: int
    zombies: int


def sample(pid: int, jobs: int) -> Sample:
    """Look at a process and its children."""
    process = Path(f"/proc/{pid}")
    threads = next(line for line in (process / "status").read_text().splitlines() if line.startswith("Threads:")).split()[1]
    zombies = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        zombies += state == "Z" and parent == str(pid)
    return Sample(jobs, resident(pid), len(list((process / "fd").iterdir())), int(threads), zombies)


class Poller(threading.Thread):
    """One client that asks for jobs until it is told to end."""

    def __init__(self, port: int, number: int) -> None:
        super().__init__(daemon=True)
        self._client, self._number = Client(port), number
        self._over = threading.Event()
        self.seconds: list[tuple[float, float]] = []  # when, and how long
        self.faults: list[str] = []

    def run(self) -> None:
        """Ask."""
        asked = 0
        while not self._over.wait(PAUSE):
            asked += 1
            try:
                for operation, body in self._questions(asked):
                    began = time.perf_counter()
                    self._client.ask(operation, body)
                    self.seconds.append((began, time.perf_counter() - began))
            except (OSError, RuntimeError) as error:
                self.faults.append(repr(error))

    def _questions(self, asked: int) -> Sequence[tuple[str, dict[str, Any]]]:
        if (asked + self._number) % 2:
            return [("ListTrainingJobs", {"MaxResults": 100}), ("ListHyperParameterTuningJobs", {"MaxResults": 100})]
        name = {"HyperParameterTuningJobName": "tuning-0"}
        return [
            ("DescribeHyperParameterTuningJob", name),
            ("ListTrainingJobsForHyperParameterTuningJob", {**name, "MaxResults": 100}),
        ]

    def end(self) -> None:
        """Ask no more."""
        self._over.set()
        self.join()


class Maker:
    """Begins tuning jobs, so many at a time, and looks at the server."""

    def __init__(self, server: Server, trainings: int) -> None:
        self._server, self._trainings = server, trainings
        self._client = Client(server.port)
        self._source = server.upload_source("load", "print('score=1')")
        self.begun = 0
        self.going_on: set[str] = set()
        self.faults: list[str] = []
        self.samples: list[Sample] = []

    def begin(self) -> None:
        """Begin one."""
        name = f"tuning-{self.begun}"
        self._client.ask("CreateHyperParameterTuningJob", tuning_request(name, self._source, bucket="load", jobs=self._trainings))
        self.begun += 1
        self.going_on.add(name)

    def look(self) -> None:
        """See which have ended, and how."""
        for name in sorted(self.going_on):
            job = json.loads(self._client.ask("DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": name}))
            if job["HyperParameterTuningJobStatus"] in {"InProgress", "Stopping"}:
                continue
            self.going_on.discard(name)
            if (
                job["HyperParameterTuningJobStatus"] != "Completed"
                or job["TrainingJobStatusCounters"]["Completed"] != self._trainings
            ):
                self.faults.append(f"{name}: {job['HyperParameterTuningJobStatus']} {job['TrainingJobStatusCounters']}")
        assert self._server.process is not None  # noqa: S101 - it runs
        self.samples.append(sample(self._server.process.pid, (self.begun - len(self.going_on)) * self._trainings))

    def run(self, tunings: int, minutes: float) -> None:
        """Begin all, as long as there is time; then wait for them."""
        deadline = time.monotonic() + 60 * minutes
        while self.going_on or (self.begun < tunings and time.monotonic() < deadline):
            while len(self.going_on) < AT_A_TIME and self.begun < tunings and time.monotonic() < deadline:
                self.begin()
            time.sleep(1)
            self.look()
            if time.monotonic() > deadline + 300:
                self.faults += [f"{name} does not end" for name in self.going_on]
                return


def growth(samples: Sequence[Sample], value: str) -> tuple[float, float]:
    """The median of a figure in the fifth after the warm-up, and in the last tenth."""
    last = samples[-1].jobs
    early = [getattr(reading, value) for reading in samples if 0.2 * last <= reading.jobs <= 0.4 * last] or [
        getattr(samples[0], value)
    ]
    late = [getattr(reading, value) for reading in samples if reading.jobs >= 0.9 * last]
    return statistics.median(early), statistics.median(late)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tunings", type=int, default=500, help="default: %(default)s")
    parser.add_argument("--trainings", type=int, default=20, help="of each tuning job (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=15, help="default: %(default)s")
    options = parser.parse_args(argv)
    figures = Figures()
    with folder() as path, served(path / "state") as server:
        maker = Maker(server, options.trainings)
        maker.begin()
        pollers = [Poller(server.port, number) for number in range(CLIENTS)]
        for poller in pollers:
            poller.start()
        began = time.perf_counter()
        maker.run(options.tunings, options.minutes)
        late = began + 0.9 * (time.perf_counter() - began)
        for poller in pollers:
            poller.end()
        size = sum(file.stat().st_size for file in server.state.glob("jobs.sqlite*")) / 2**20
    answers = [seconds for poller in pollers for when, seconds in poller.seconds if when >= late]
    figures.at_least("tuning jobs", maker.begun, 500)
    figures.at_least("training jobs", maker.begun * options.trainings, 10_000)
    figures.none("tuning jobs that did not complete, or whose training jobs did not", maker.faults)
    figures.none("questions without an answer", [fault for poller in pollers for fault in poller.faults])
    memory, files, threads = (growth(maker.samples, value) for value in ("memory", "files", "threads"))
    figures.at_most(
        f"growth of memory after the warm-up, % ({memory[0]:.0f} to {memory[1]:.0f} MB)",
        100 * (memory[1] / memory[0] - 1),
        GROWTH,
    )
    figures.at_most(f"growth of open files ({files[0]:.0f} to {files[1]:.0f})", files[1] - files[0], 2)
    figures.at_most(f"growth of threads ({threads[0]:.0f} to {threads[1]:.0f})", threads[1] - threads[0], 0)
    figures.exactly("zombies at the end", maker.samples[-1].zombies, 0)
    figures.at_most(f"milliseconds an answer to {CLIENTS} clients, 99 %", 1000 * percentile(answers, 0.99), SLOWEST)
    figures.note("the same, median", 1000 * statistics.median(answers))
    figures.at_most("database, MB", size, DATABASE)
    return figures.print()


if __name__ == "__main__":
    sys.exit(main())
