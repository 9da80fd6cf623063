"""Two versions of the Bayesian search beside each other, or one and a peer: the same problems and seeds, how sure the difference is.

    python benchmarks/paired.py --before main [--after REVISION] [--half development|held-out] [--seeds 10] [--only branin,levy]
        [--at-once 1,4] [--evaluations 50]

A version is a revision of this repository or, as in `--before Ax`, a peer; without `--after` it is the working tree. What is
compared is the regret that `quality.py` tells. A version that is better on one set of problems need not be on another, so the
intervals (90 %) are of problems drawn anew with replacement, and of each problem's seeds within. *Ratio* is that of the mean
regrets, where a few hard problems weigh most; *typical ratio* is the geometric mean of the problems' ratios, with five thousandths
of a random point's regret added to each, where all weigh alike.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are no package that is installed

from benchmarks.problem import Values
from benchmarks.problems import HALVES, names_of
from benchmarks.quality import CHECKPOINTS
from benchmarks.searches import EVALUATIONS, PEERS, Search, problem_of, result
from benchmarks.versions import commit_of

DRAWS = 2000
INTERVAL = (0.05, 0.95)
NONE = 1e-12  # no regret beside none is a ratio of 1
SMALL = 0.005  # a regret of which nobody cares whether it is half or twice that


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How the regret of a version compares with that of the version before; intervals are lower and upper ends.

    Attributes:
        better: The share of searches with less regret, equal ones half.
    """

    before: float
    after: float
    ratio: float
    ratio_interval: tuple[float, float]
    typical_ratio: float
    typical_interval: tuple[float, float]
    better: float


def compare(before: Values, after: Values, seed: int = 0) -> Comparison:
    """Compare regrets of shape (problems, seeds), of two versions with the same seeds."""
    rng = np.random.default_rng(seed)
    problems, seeds = before.shape
    rows = rng.integers(0, problems, (DRAWS, problems))[:, :, None]
    columns = rng.integers(0, seeds, (DRAWS, problems, seeds))
    drawn = [regrets[rows, columns].mean(axis=2) for regrets in (before, after)]
    plain, typical = (tuple(map(float, np.quantile(ratios, INTERVAL))) for ratios in (_ratios(*drawn), _typical_ratios(*drawn)))
    means = before.mean(axis=1), after.mean(axis=1)
    return Comparison(
        before=float(before.mean()),
        after=float(after.mean()),
        ratio=float(_ratios(*means)),
        ratio_interval=(plain[0], plain[1]),
        typical_ratio=float(_typical_ratios(*means)),
        typical_interval=(typical[0], typical[1]),
        better=float(((after < before) + 0.5 * (after == before)).mean()),
    )


def _ratios(before: Values, after: Values) -> Values:
    return np.asarray((after.mean(axis=-1) + NONE) / (before.mean(axis=-1) + NONE))


def _typical_ratios(before: Values, after: Values) -> Values:
    return np.asarray(np.exp(np.log((after + SMALL) / (before + SMALL)).mean(axis=-1)))


def regret(search: Search, evaluations: int) -> Sequence[float]:
    """The regret of a search after each evaluation."""
    problem = problem_of(search.problem)
    return [problem.regret(best) for best in result(search, evaluations)]


def sampler_of(version: str | None) -> str:
    """The name of a peer, a revision or the working tree among samplers."""
    if not version:
        return "Bayesian"
    return version if version in PEERS else f"Bayesian@{commit_of(version)}"


def main() -> None:
    """Print a row for each number of evaluations and of training jobs at once."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--before", default="main", help="a revision or a peer")
    parser.add_argument("--after", help="a revision or a peer; the working tree if there is none")
    parser.add_argument("--half", choices=sorted(HALVES), default="development")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", help="problems, separated by commas")
    parser.add_argument("--at-once", default="1,4")
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    names = options.only.split(",") if options.only else names_of(options.half)
    samplers = [sampler_of(version) for version in (options.before, options.after)]
    counts = [int(count) for count in options.at_once.split(",")]
    checkpoints = [count for count in CHECKPOINTS if count <= options.evaluations]
    searches = [Search(*row) for row in product(names, samplers, range(options.seeds), counts)]
    with ProcessPoolExecutor(options.workers) as pool:
        rows = pool.map(partial(regret, evaluations=options.evaluations), searches, chunksize=4)
        regrets = np.array(list(rows)).reshape(len(names), 2, options.seeds, len(counts), options.evaluations)
    print(f"{len(names)} problems, {options.seeds} seeds, regrets in thousandths\n")
    print("| evaluations, at once | before | after | ratio | 90 % | typical ratio | 90 % | share better |\n" + "|---" * 8 + "|")
    for at, checkpoint in product(range(len(counts)), checkpoints):
        comparison = compare(regrets[:, 0, :, at, checkpoint - 1], regrets[:, 1, :, at, checkpoint - 1])
        ends = ["{:.2f} to {:.2f}".format(*interval) for interval in (comparison.ratio_interval, comparison.typical_interval)]
        means = [f"{1000 * mean:.1f}" for mean in (comparison.before, comparison.after)]
        cells = [f"{checkpoint}, {counts[at]}", *means, f"{comparison.ratio:.2f}", ends[0]]
        cells += [f"{comparison.typical_ratio:.2f}", ends[1], f"{comparison.better:.2f}"]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
