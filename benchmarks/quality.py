"""Search quality and speed of the emulator's strategies beside peers, on the same problems.

    python benchmarks/quality.py [--half development|held-out] [--seeds 10] [--first-seed 0] [--only svm,branin]
        [--samplers "Bayesian,Random,Optuna TPE"] [--evaluations 50] [--parts speed,quality]

The problems are those of `problems.py`: functions and recorded trainings, in a half to develop on and a half to look at once.
Peers run in environments of their own (`make .venv-bench-optuna/.ready`, `-ax`, `-smac`, `-hebo`); what has been searched is kept, so
ours can be compared again without them. A training's noise is told to the search; judged is the true value
of the point that it thinks best.
Regret is (that value - optimum) / (median value of a random point - optimum): 0 is the optimum, 1 is one random point.
Rank is a sampler's place among all samplers for the same problem, seed and pending count, 1 the best, ties shared.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are no package that is installed

from benchmarks.problem import linear
from benchmarks.problems import HALVES, names_of
from benchmarks.searches import EVALUATIONS, OURS, PEERS, Ours, Search, begun, ended, problem_of, result
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Categorical, Continuous, Integer, Scaling, Space

CHECKPOINTS = (20, 50)


def quality(names: Sequence[str], samplers: Sequence[str], seeds: Sequence[int], workers: int, evaluations: int) -> None:
    """Regret and rank of each sampler."""
    searches = [Search(*row) for row in product(names, samplers, seeds, (1, 4))]
    with ProcessPoolExecutor(workers) as pool:
        results = dict(zip(searches, pool.map(partial(result, evaluations=evaluations), searches), strict=True))
    for pending, checkpoint in product((1, 4), [at for at in CHECKPOINTS if at <= evaluations]):
        regrets = np.empty((len(samplers), len(names), len(seeds)))
        for search, best in results.items():
            if search.pending == pending:
                cell = samplers.index(search.sampler), names.index(search.problem), seeds.index(search.seed)
                regrets[cell] = problem_of(search.problem).regret(best[checkpoint - 1])
        ranks = rankdata(regrets, axis=0)
        print(f"\n{checkpoint} evaluations, {pending} at once, {len(seeds)} seeds: mean regret (x 1000) and mean rank\n")
        print("| | " + " | ".join([*names, "all", "rank"]) + " |\n" + "|---" * (len(names) + 3) + "|")
        for index, sampler in enumerate(samplers):
            cells = [*regrets[index].mean(axis=1), regrets[index].mean()]
            print(
                f"| {sampler} | " + " | ".join(f"{1000 * cell:.1f}" for cell in cells) + f" | {ranks[index].mean():.2f} |",
                flush=True,
            )


def speed(samplers: Sequence[str]) -> None:
    """Processor milliseconds of one suggestion."""
    space = Space(
        parameters=(
            Categorical(name="optimizer", values=("adam", "sgd", "rmsprop")),
            Integer(name="batch_size", low=16, high=512, scaling=Scaling.LOGARITHMIC),
            Integer(name="epochs", low=1, high=50, scaling=Scaling.LINEAR),
            Continuous(name="learning_rate", low=1e-5, high=1e-1, scaling=Scaling.LOGARITHMIC),
            *linear(0, 1, "dropout", "momentum"),
        )
    )
    counts = (10, 50, 100, 200, 500)
    print("\nprocessor milliseconds for one suggestion, six hyperparameters, by observations (median of five)")
    print(f"{'':14}" + "".join(f"{count:>8}" for count in counts))
    for sampler in samplers:
        cells = []
        for count in counts:
            times = []
            for seed in range(5):
                strategy = Ours(OURS[sampler](space, seed))
                _fill(strategy, space, count, seed)
                started = time.process_time()
                strategy.ask()
                times.append(1000 * (time.process_time() - started))
            cells.append(statistics.median(times))
        print(f"{sampler:14}" + "".join(f"{cell:8.1f}" for cell in cells), flush=True)


def _fill(sampler: Ours, space: Space, count: int, seed: int) -> None:
    """Random observations of a bowl with noise."""
    rng = np.random.default_rng(seed)
    for row in rng.random((count, len(space.parameters))):
        value = float(((row - 0.3) ** 2 * np.array([0.2, 1, 1, 3, 1, 0.1])).sum() + rng.normal(0.0, 0.02))
        sampler.trials.append(ended(begun(sampler.trials, space.at(row.tolist())), Status.COMPLETED, value))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--half", choices=sorted(HALVES), default="development")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--only", help="problems, separated by commas")
    parser.add_argument("--samplers", default=",".join([*OURS, *PEERS]), help="samplers, separated by commas")
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS)
    parser.add_argument("--parts", default="speed,quality")
    options = parser.parse_args()
    samplers = options.samplers.split(",")
    names = options.only.split(",") if options.only else names_of(options.half)
    parts = options.parts.split(",")
    if "speed" in parts:
        speed([sampler for sampler in samplers if sampler in OURS])
    if "quality" in parts:
        seeds = range(options.first_seed, options.first_seed + options.seeds)
        quality(names, samplers, seeds, options.workers, options.evaluations)


if __name__ == "__main__":
    main()
