"""What parents bring to the Bayesian search: its regret with and without a warm start.

    python benchmarks/warm_start.py [--half development|held-out] [--seeds 3] [--only branin,levy] [--evaluations 20]

The parents are twenty random training jobs: of the *same* task (`IdenticalDataAndAlgorithm`), or of a *shifted* one with other
objectives (`TransferLearning`): every number lies a tenth of its range off, and objectives are ten times as large. Regret is that of
`quality.py`; intervals and ratios are those of `paired.py`, with the search without parents as the one before.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are no package that is installed

from benchmarks.paired import compare
from benchmarks.problem import Problem
from benchmarks.problems import HALVES, names_of
from benchmarks.searches import OURS, Ours, begun, ended, incumbents, problem_of
from local_emulator.domain.history import Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Categorical, Point

PARENTS, SHIFT, SCALE = 20, 0.1, 10.0


def shifted(problem: Problem, point: Point) -> Point:
    """A point with every number moved by a tenth of its range, at the end of the range to the inside."""
    moved = [
        unit if isinstance(parameter, Categorical) else unit + (SHIFT if unit + SHIFT < 1.0 else -SHIFT)
        for parameter, unit in zip(problem.space.parameters, problem.space.units(point), strict=True)
    ]
    return problem.space.at(moved)


def parents(problem: Problem, seed: int, objective: Callable[[Point], float]) -> Sequence[Trial]:
    """Random training jobs that have ended."""
    trials: list[Trial] = []
    for row in np.random.default_rng([seed, 77]).random((PARENTS, len(problem.space.parameters))):
        point = problem.space.at(row.tolist())
        trials.append(ended(begun(trials, point), Status.COMPLETED, objective(point)))
    return trials


def regrets(task: tuple[str, str, int], evaluations: int) -> Sequence[float]:
    """The regret after each evaluation of a problem with parents of a kind, by a seed."""
    name, kind, seed = task
    problem = problem_of(name)
    given: Sequence[Trial] = ()
    if kind == "same":
        given = parents(problem, seed, lambda point: problem.observed(point, seed + 1000))
    elif kind == "shifted":
        given = parents(problem, seed, lambda point: SCALE * problem.observed(shifted(problem, point), seed + 1000))
    search = Ours(OURS["Bayesian"](problem.space, seed), given, transfer=kind == "shifted")
    return [problem.regret(best) for best in incumbents(problem, search, seed, 1, evaluations)]


def main() -> None:
    """Print a row for each kind of parents and number of evaluations."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--half", choices=sorted(HALVES), default="development")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", help="problems, separated by commas")
    parser.add_argument("--evaluations", type=int, default=20)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    names = options.only.split(",") if options.only else names_of(options.half)
    kinds = ("none", "same", "shifted")
    with ProcessPoolExecutor(options.workers) as pool:
        rows = pool.map(partial(regrets, evaluations=options.evaluations), product(names, kinds, range(options.seeds)))
        table = np.array(list(rows)).reshape(len(names), len(kinds), options.seeds, options.evaluations)
    print(f"{len(names)} problems, {options.seeds} seeds, regrets in thousandths\n")
    print("| parents | evaluations | without | with | ratio | 90 % | typical ratio | share better |\n" + "|---" * 8 + "|")
    for kind, checkpoint in product((1, 2), (5, 10, options.evaluations)):
        comparison = compare(table[:, 0, :, checkpoint - 1], table[:, kind, :, checkpoint - 1])
        means = [f"{1000 * mean:.1f}" for mean in (comparison.before, comparison.after)]
        interval = "{:.2f} to {:.2f}".format(*comparison.ratio_interval)
        cells = [kinds[kind], str(checkpoint), *means, f"{comparison.ratio:.2f}", interval]
        print("| " + " | ".join([*cells, f"{comparison.typical_ratio:.2f}", f"{comparison.better:.2f}"]) + " |")


if __name__ == "__main__":
    main()
