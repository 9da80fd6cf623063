"""What the n-th training job costs when there are many: 100 tuning jobs of 100, and one of 10,000.

    python benchmarks/scale.py [--jobs 10000]

A tuner decides and a store on disk keeps; training jobs are ended at once by a loop that writes what the trainer writes (five changes
of status and ten epochs of two metrics), without a process. Each figure is processor time, which does not mind what else the machine
does: the median over a window of jobs that ends with the n-th.
"""

import argparse
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are no package that is installed

from benchmarks.filling import METRIC, epochs, request, tuning_job
from local_emulator.domain.jobs import ACTIVE, Secondary, Status
from local_emulator.domain.training import FinalMetric
from local_emulator.engine.faults import FaultLog
from local_emulator.engine.tuner import Tuner
from local_emulator.store.base import Query
from local_emulator.store.sqlite import SqliteStore

_SHARES = (0.01, 0.1, 1.0)  # of all jobs: where the cost is looked at
_WINDOW = 100


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


class Driver:
    """The tuner and the store of an emulator, and instead of its trainer a loop that ends every training job at once."""

    def __init__(self, folder: Path) -> None:
        self.store = SqliteStore(folder / "jobs.sqlite")
        self._tuner = Tuner(store=self.store, now=now, token=lambda: uuid.uuid4().hex, notify=lambda: None, log=FaultLog())

    def train(self, asked: dict[str, Any]) -> Iterator[float]:
        """Carry out one tuning job; processor seconds for each training job, its decision included."""
        job = tuning_job(asked, now())
        self.store.tunings.add(job)
        arn = job.arn
        while True:
            began = time.process_time()
            self._tuner.step()
            done = self._end_all()
            if self.store.tunings.get(arn).status.terminal:
                return
            yield from [(time.process_time() - began) / done] * done

    def _end_all(self) -> int:
        active = self.store.trainings.find(Query(statuses=ACTIVE)).items
        for job in active:
            for secondary in (Secondary.DOWNLOADING, Secondary.TRAINING, Secondary.UPLOADING):
                job = self.store.trainings.put(job.moved(secondary, now(), "What AWS says of it."))  # noqa: PLW2901 - the same job
                if secondary is Secondary.TRAINING:
                    value = (job.index * 7919 % 10_007) / 10_007
                    self.store.record(job.arn, epochs(value, now()), 100)
            over = now()
            last = self.store.observations(job.arn)[-1]
            metrics = (FinalMetric(name=METRIC, value=last.value, time=over),)
            moved = job.moved(Secondary.COMPLETED, over, "Training job completed")
            self.store.trainings.put(replace(moved, status=Status.COMPLETED, ended=over, final_metrics=metrics))
        return len(active)


def measure(cases: Sequence[dict[str, Any]]) -> Sequence[float]:
    """Milliseconds for the job at each of the shares."""
    with tempfile.TemporaryDirectory() as folder:
        driver = Driver(Path(folder))
        seconds = [duration for asked in cases for duration in driver.train(asked)]
        driver.store.close()
    ends = [max(int(len(seconds) * share), 1) for share in _SHARES]
    return [1000 * statistics.median(seconds[max(end - _WINDOW, 0) : end]) for end in ends]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000, help="training jobs (default: %(default)s)")
    options = parser.parse_args(argv)
    jobs = options.jobs
    side = [str(n) for n in range(round(jobs ** (1 / 3)) + 1)]
    grid: dict[str, Any] = {"ParameterRanges": {"CategoricalParameterRanges": [{"Name": name, "Values": side} for name in "abc"]}}
    finite: dict[str, Any] = {
        "ParameterRanges": {"IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": str(4 * jobs)}]}
    }
    hyperband: dict[str, Any] = {"StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 27}}}
    cases = {
        "100 tuning jobs, Random": [request(f"random-{n}", jobs // 100) for n in range(100)],
        "one tuning job, Random": [request("random", jobs)],
        "one, Random over integers": [request("integers", jobs, **finite)],
        "one, Random, early stopping": [request("early", jobs, TrainingJobEarlyStoppingType="Auto")],
        "one, Grid": [request("grid", jobs, strategy="Grid", **grid)],
        "one, Hyperband": [request("hyperband", jobs, strategy="Hyperband", **hyperband)],
    }
    places = [f"{int(jobs * share):,}th" for share in _SHARES]
    print(f"| ms a training job | {' | '.join(places)} | last / first |")
    print("|---|---|---|---|---|")
    for name, asked in cases.items():
        durations = measure(asked)
        print(
            f"| {name} | {' | '.join(f'{duration:.2f}' for duration in durations)} | {durations[-1] / durations[0]:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
