"""What the checks of a request cost: the dry run of a tuning job, and the API's look at each member. Processor milliseconds.

    python benchmarks/checks.py [--times 400]

A small tuning job has 3 ranges and one channel; a large one is near AWS's limits: 30 ranges (15 with 30 values), 60 static
hyperparameters, 40 variables, 30 metrics, 15 channels, 40 tags. The lower quartile is shown: noise only adds.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

from local_emulator.api.validation import checked
from sm_tuning import Bayesian, Categorical, Channel, Continuous, Integer, Metric, Objective, Random, TuningJob

_job = partial(
    TuningJob,
    role="arn:aws:iam::123456789012:role/SageMakerRole",
    output="s3://bucket/prefix",
    image="123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1",
    objective=Objective.minimize("score", r"score=([-+0-9.eE]+)"),
    max_jobs=20,
    max_parallel=2,
)
JOBS = {
    "small": _job(
        name="small",
        strategy=Random(),
        ranges=[Continuous("learning_rate", 1e-4, 0.1), Integer("epochs", 5, 50), Categorical("optimizer", ["adam", "sgd"])],
        channels=[Channel("train", "s3://bucket/data")],
    ),
    "large": _job(
        name="large",
        strategy=Bayesian(),
        ranges=[
            *(Continuous(f"number{index}", 1e-4, 0.1) for index in range(15)),
            *(Categorical(f"choice{index}", [f"value{number}" for number in range(30)]) for index in range(15)),
        ],
        hyperparameters={f"fixed{index}": index for index in range(60)},
        environment={f"VARIABLE{index}": "value" for index in range(40)},
        metrics=[Metric(f"metric{index}", f"metric{index}=(.*)") for index in range(30)],
        channels=[Channel(f"channel{index}", "s3://bucket/data") for index in range(15)],
        tags={f"tag{index}": "value" for index in range(40)},
    ),
}


def milliseconds(work: Callable[[], object], times: int) -> float:
    """The lower quartile of so many measurements."""
    seconds = []
    for _ in range(times):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return statistics.quantiles(seconds, n=4)[0] * 1000


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=400, help="measurements of each (default: %(default)s)")
    options = parser.parse_args(argv)
    for job in JOBS.values():  # what is refused early costs little
        if not job.dry_run().ok:
            raise ValueError(job.dry_run())
    print("| processor milliseconds | " + " | ".join(JOBS) + " |")
    print("|---" * (1 + len(JOBS)) + "|")
    requests = {name: job.request() for name, job in JOBS.items()}
    rows: dict[str, Callable[[str], Callable[[], object]]] = {
        "the request": lambda name: JOBS[name].request,
        "dry run, with the request": lambda name: JOBS[name].dry_run,
        "the API's look at each member": lambda name: lambda: checked("CreateHyperParameterTuningJob", requests[name]),
    }
    for row, work in rows.items():
        print(f"| {row} | " + " | ".join(f"{milliseconds(work(name), options.times):.2f}" for name in JOBS) + " |", flush=True)


if __name__ == "__main__":
    main()
