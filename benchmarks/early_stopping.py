"""What early stopping and Hyperband save on the digits script: the same search three times, with real training jobs.

    python benchmarks/early_stopping.py [--jobs 27] [--epochs 27] [--seeds 3] [--parallel 2]

Every row tries the same number of points: Random trains each to its end; with early stopping (`Auto`, the median rule) and under
Hyperband the poor are stopped. Best is the best validation accuracy that the tuning job reports (its mean and standard deviation
over the seeds), epochs and seconds are sums over all training jobs of a tuning job, with what they are of Random's.
"""

import argparse
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))  # the training scripts are no package that is installed

import boto3

from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker
from sm_tuning import Hyperband, Objective, Random, Script, TuningJob, batch_size, learning_rate, regularization
from sm_tuning.spec.strategies import Strategy
from training_scripts import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = Path(__file__).parents[1] / "training_scripts" / "mlp.py"
BUCKET = "early"
HIDDEN = "512,512"  # so wide that training takes longer than starting Python


def search(name: str, strategy: Strategy, jobs: int, epochs: int, parallel: int) -> tuple[float, int, float]:
    """Best accuracy, epochs and seconds of one tuning job."""
    job = TuningJob(
        name=name,
        script=Script(str(SCRIPT)),
        objective=Objective.maximize("validation:accuracy", METRICS["validation:accuracy"]),
        ranges=[learning_rate(1e-5, 1.0), batch_size(16, 256), regularization()],
        hyperparameters={"epochs": epochs, "hidden": HIDDEN},
        strategy=strategy,
        max_jobs=jobs,
        max_parallel=parallel,
        role="arn:aws:iam::123456789012:role/SageMakerRole",
        output=f"s3://{BUCKET}",
    )
    run = job.launch()
    run.wait(poll=0.2)
    best = run.best()
    trainings = run.trainings()
    printed = sum("validation:accuracy=" in line for training in trainings for line in run.logs(training.name))
    seconds = sum(training.seconds or 0.0 for training in trainings)
    return (best.value if best and best.value is not None else float("nan")), printed, seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=27)
    parser.add_argument("--epochs", type=int, default=27)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--parallel", type=int, default=2)
    options = parser.parse_args()
    kinds: dict[str, Callable[[int], Strategy]] = {
        "Random": lambda seed: Random(seed=seed),
        "Random, early stopping": lambda seed: Random(seed=seed, early_stopping=True),
        "Hyperband": lambda seed: Hyperband(seed=seed, max_resource=options.epochs),
    }
    print(f"{options.jobs} training jobs of {options.epochs} epochs, {options.seeds} seeds\n")
    print("| strategy | best accuracy | epochs | of Random's | seconds | of Random's |")
    print("|---|---|---|---|---|---|")
    whole: tuple[float, float] | None = None
    with emulated_sagemaker(Settings(parallel=options.parallel)):
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        for number, (kind, make) in enumerate(kinds.items()):
            rows = [
                search(f"early-{number}-{seed}", make(seed), options.jobs, options.epochs, options.parallel)
                for seed in range(options.seeds)
            ]
            best = [row[0] for row in rows]
            epochs, seconds = statistics.mean(row[1] for row in rows), statistics.mean(row[2] for row in rows)
            whole = whole or (epochs, seconds)
            spread = statistics.stdev(best) if len(best) > 1 else 0.0
            shares = epochs / whole[0], seconds / whole[1]
            print(
                f"| {kind} | {statistics.mean(best):.4f} ± {spread:.4f} | {epochs:.0f} | {shares[0]:.0%} | {seconds:.0f} | "
                f"{shares[1]:.0%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
