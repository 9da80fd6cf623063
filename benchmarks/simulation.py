"""How true simulations are: predicted from 20 random training jobs of a problem, then run on the problem itself.

    python benchmarks/simulation.py [--part development|held-out] [--only digits_mlp] [--starts 3] [--repetitions 20] [--seeds 50]
    python benchmarks/simulation.py --speed

The problems are learning curves of real trainings over grids (`curve_tables.py`) and functions with curves. From each some random
tuning jobs of 20 training jobs are drawn; of each a model is learnt and eight settings are simulated. The same settings run on the
problem 20 times, with the whole Bayesian search (`--quick`: with the one that simulations have). Printed are, for each problem: the
share of variance that the model explains in cross validation; the rank correlation of the predicted and the true order of the
settings, beside what a perfect prediction and the mean order of the other problems would have; how many of the true outcomes lie in
the predicted interval of 80 %; and what the recommended setting really costs beside the cheapest one that reaches what it reaches.
"""

import argparse
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from scipy.stats import rankdata, spearmanr

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are no package that is installed

from benchmarks.curve_problems import TODAY, Problem, epochs_of, problem_of
from benchmarks.curve_tables import TABLES
from local_emulator.domain.space import Point
from sm_tuning.errors import Invalid
from sm_tuning.simulation.evidence import Evidence, Example
from sm_tuning.simulation.model import Model
from sm_tuning.simulation.outcome import Outcome, Replica, mean_ranks
from sm_tuning.simulation.recommendation import Budget, recommend
from sm_tuning.simulation.runner import run
from sm_tuning.simulation.settings import Setting
from sm_tuning.simulation.simulation import noise_of
from sm_tuning.simulation.simulator import simulate
from sm_tuning.simulation.world import Training

DEVELOPMENT = (
    *("digits_mlp", "digits_sgd", "cancer_boosting", "digits_torch", "wine_sgd", "sparse_sgd", "friedman_boosting", "wine_mlp"),
    *("flipped_mlp", "digits_forest", "bowl", "valley", "plateau", "branin"),
)
HELD_OUT = ("diabetes_mlp", "diabetes_boosting", "cancer_sgd", "convolution_torch", "hartmann")


def settings_of(problem: Problem) -> list[Setting]:
    """The settings that are compared."""
    most = epochs_of(problem)
    return [
        TODAY,
        Setting(strategy="Random", jobs=10, parallel=2),
        Setting(strategy="Random", jobs=50, parallel=10, early_stopping=True),
        Setting(strategy="Bayesian", jobs=15, parallel=1),
        Setting(strategy="Bayesian", jobs=40, parallel=1),
        Setting(strategy="Bayesian", jobs=30, parallel=5, early_stopping=True),
        Setting(strategy="Hyperband", jobs=30, parallel=4, min_resource=1, max_resource=most),
        Setting(strategy="Hyperband", jobs=80, parallel=4, min_resource=3, max_resource=most),
    ]


@cache
def truth(name: str, repetitions: int, *, quick: bool = False) -> Sequence[Outcome]:
    """What the settings really come to; computed once, then read."""
    problem, settings = problem_of(name), settings_of(problem_of(name))
    path = TABLES / f"truth-{'quick-' if quick else ''}{name}-{repetitions}.json"
    if not path.exists():
        seeds = range(10_000, 10_000 + repetitions)
        outcomes = run(problem.plan, settings, problem, seeds=seeds, quick=quick)
        path.write_text(json.dumps([[asdict(replica) for replica in outcome.replicas] for outcome in outcomes]))
    return [
        Outcome(setting=setting, replicas=[Replica(**replica) for replica in replicas])
        for setting, replicas in zip(settings, json.loads(path.read_text()), strict=True)
    ]


def evidence(name: str, start: int) -> Evidence:
    """Twenty random training jobs of a problem."""
    problem = problem_of(name)
    world = problem.world(start)
    ended = simulate(TODAY.plan(problem.plan), world, start)
    examples = []
    points = _points(problem, start)
    for training in sorted(ended, key=lambda training: training.index):
        point = points[training.index - 1]
        did = world.train(point, training.index)
        examples.append(
            Example(
                name=str(training.index),
                point=point,
                curve=did.curve,
                final=did.curve[-1],
                complete=True,
                seconds=did.seconds(len(did.curve)),
                pending=did.pending,
            )
        )
    return Evidence(
        name=name,
        plan=problem.plan,
        examples=examples,
        failed=0,
        outside=0,
        without_objective=0,
        unfinished=0,
        without_curve=0,
        has_curves=True,
        instances=1,
    )


def _points(problem: Problem, seed: int) -> Sequence[Point]:
    seen: dict[int, Point] = {}

    class Recording:
        def train(self, point: Point, number: int) -> Training:
            seen[number] = point
            return Training(curve=(0.0,))

    simulate(TODAY.plan(problem.plan), Recording(), seed)
    return [seen[number] for number in sorted(seen)]


@dataclass(frozen=True)
class Judged:
    """How true one simulation is.

    Attributes:
        explained: The share of variance that the model explains in cross-validation.
        rank: Rank correlation of the predicted order of the settings (mean ranks in the same worlds) and of their true medians.
        medians: The same with the order of the predicted medians.
        ceiling: The same that a perfect prediction would have: what the noise of the true medians leaves of it.
        covered: Share of the true outcomes inside the interval of 80 %.
        better: Share of the true outcomes that are better than it.
        cost: What the recommended setting costs, as a multiple of the cheapest that is truly as good as it.
        keeps: Whether the recommended setting is truly as good as today's.
    """

    explained: float
    rank: float
    medians: float
    ceiling: float
    covered: float
    better: float
    cost: float
    keeps: float


def judged(name: str, start: int, repetitions: int, seeds: int, *, quick: bool = False) -> Judged | None:
    """How true a simulation of twenty random training jobs is; None if it is refused."""
    known, problem = evidence(name, start), problem_of(name)
    try:
        model = Model(known)
    except Invalid:
        return None
    predicted, real = (
        run(problem.plan, settings_of(problem), model, seeds=range(seeds), margin=model.margin),
        truth(name, repetitions, quick=quick),
    )
    sign = known.sign
    pairs = list(zip(predicted, real, strict=True))
    outcomes = [(sign * (replica.best or 0.0), guess) for guess, true in pairs for replica in true.replicas]
    ends = [sorted((sign * guess.best.low, sign * guess.best.high)) for _, guess in outcomes]
    true_medians, medians = ([sign * outcome.best.median for outcome in side] for side in (real, predicted))
    noise = noise_of(model, seeds)
    advice = recommend(predicted, predicted[0], predicted[0], sign=sign, noise=noise, budget=Budget())
    chosen = next(true for true in real if true.setting == advice.setting)
    worth = {id(true): statistics.fmean(sign * (replica.expected or 0.0) for replica in true.replicas) for true in real}
    tolerance = max(noise, 0.02 * statistics.median(sign * (r.path[0][1] - r.path[-1][1]) for r in real[0].replicas))
    equal = [true.mean_hours for true in real if worth[id(true)] <= worth[id(chosen)] + tolerance]
    return Judged(
        explained=model.explained,
        rank=float(spearmanr(mean_ranks(predicted, sign), true_medians).statistic),
        medians=float(spearmanr(medians, true_medians).statistic),
        ceiling=ceiling(real),
        covered=statistics.fmean(low <= best <= high for (best, _), (low, high) in zip(outcomes, ends, strict=True)),
        better=statistics.fmean(best < low for (best, _), (low, _) in zip(outcomes, ends, strict=True)),
        cost=chosen.mean_hours / min(equal),
        keeps=float(worth[id(chosen)] <= worth[id(real[0])] + tolerance),
    )


def ceiling(real: Sequence[Outcome]) -> float:
    """The rank correlation that the exact order of the settings would have with the medians of the repetitions.

    From the correlation of halves of the repetitions, stepped up to all of them (Spearman and Brown).
    """
    bests = np.array([[replica.best or 0.0 for replica in outcome.replicas] for outcome in real])
    rng, halves = np.random.default_rng(0), []
    for _ in range(200):
        order = rng.permutation(bests.shape[1])
        first, second = np.array_split(order, 2)
        halves.append(spearmanr(np.median(bests[:, first], axis=1), np.median(bests[:, second], axis=1)).statistic)
    half = max(float(np.mean(halves)), 0.0)
    return math.sqrt(2.0 * half / (1.0 + half))


def constant_order(name: str, names: Sequence[str], repetitions: int, *, quick: bool = False) -> float:
    """The rank correlation of the mean order of the settings in other problems, which a prediction should beat."""
    orders = {
        other: rankdata([evidence(other, 0).sign * outcome.best.median for outcome in truth(other, repetitions, quick=quick)])
        for other in names
    }
    others = [orders[other] for other in names if other != name]
    return float(spearmanr(np.mean(others, axis=0), orders[name]).statistic) if others else math.nan


def accuracy(names: Sequence[str], starts: int, repetitions: int, seeds: int, *, quick: bool) -> None:
    """Print the table of the problems."""
    print(
        "| problem | explained | rank correlation | of medians | a perfect prediction's | the others' order's | inside the interval "
        "| better than it | cost | as good as today's | refused |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    every: list[Judged] = []
    constants: list[float] = []
    for name in names:
        answers = [judged(name, start, repetitions, seeds, quick=quick) for start in range(starts)]
        known = [answer for answer in answers if answer is not None]
        every += known
        if known:
            constants.append(constant_order(name, names, repetitions, quick=quick))
            print(_row(name, known, starts - len(known), constants[-1]), flush=True)
    print(_row("all", every, len(names) * starts - len(every), statistics.median(constants)))
    print(f"median rank correlation {statistics.median(answer.rank for answer in every):.2f} (goal 0.80)")
    print(f"true outcomes inside the interval {statistics.fmean(answer.covered for answer in every):.0%} (goal 75 to 90 %)")
    within = statistics.fmean(answer.cost <= 1.15 for answer in every)
    print(f"recommended within 15 % of the cheapest as good: {within:.0%} of the simulations, median {_median(every):.2f}")


def _median(answers: Sequence[Judged]) -> float:
    return statistics.median(answer.cost for answer in answers)


def _row(name: str, answers: Sequence[Judged], refused: int, constant: float) -> str:
    means = {
        field: statistics.fmean(getattr(answer, field) for answer in answers)
        for field in ("explained", "covered", "better", "keeps")
    }
    rank, medians, most = (
        statistics.median(getattr(answer, field) for answer in answers) for field in ("rank", "medians", "ceiling")
    )
    cells = [
        name,
        f"{means['explained']:.2f}",
        *(f"{value:.2f}" for value in (rank, medians, most, constant)),
        f"{means['covered']:.0%}",
        f"{means['better']:.0%}",
        f"{_median(answers):.2f}",
        f"{means['keeps']:.0%}",
        str(refused),
    ]
    return f"| {' | '.join(cells)} |"


def speed(workers: int) -> None:
    """Print how long 1,000 simulated tuning jobs of 50 training jobs take: 50 of each of the default settings."""
    plan = problem_of("bowl").plan
    kinds = [("Random", False), ("Random", True), ("Bayesian", False), ("Bayesian", True), ("Hyperband", False)]
    settings = [
        replace(setting, min_resource=1, max_resource=27) if strategy == "Hyperband" else setting
        for strategy, stops in kinds
        for parallel in (1, 2, 5, 10)
        for setting in [Setting(strategy=strategy, jobs=50, parallel=parallel, early_stopping=stops)]
    ]
    known = evidence("bowl", 0)
    began, wall = _processor_seconds(), time.perf_counter()
    run(plan, settings, Model(known), seeds=range(50), workers=workers)
    spent, wall = _processor_seconds() - began, time.perf_counter() - wall
    print(f"1,000 tuning jobs of 50 in {workers} processes: {wall:.0f} s, {spent:.0f} s of a processor (goal: 60 s on two)")


def _processor_seconds() -> float:
    """Of this process and of those that have ended."""
    return sum(os.times()[:4])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", choices=["development", "held-out", "both"], default="both")
    parser.add_argument("--only", help="problems, separated by commas")
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--quick", action="store_true", help="run the problems with the quick Bayesian search, too")
    parser.add_argument("--speed", action="store_true", help="measure how fast simulations are, and nothing else")
    options = parser.parse_args()
    if options.speed:
        speed(2)
        return
    parts = {"development": DEVELOPMENT, "held-out": HELD_OUT, "both": (*DEVELOPMENT, *HELD_OUT)}
    names = options.only.split(",") if options.only else parts[options.part]
    accuracy(names, options.starts, options.repetitions, options.seeds, quick=options.quick)


if __name__ == "__main__":
    main()
