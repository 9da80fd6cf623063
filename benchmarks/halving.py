"""Hyperband and early stopping beside Random at equal epochs, on recorded learning curves.

    python benchmarks/halving.py [--half development|held-out] [--seeds 30] [--budget 20]
    python benchmarks/halving.py --early-stopping [--half development|held-out] [--tunings 56]

The curves are of real trainings, drawn without repetition: of random points (`trainings/`) and of the grids of `curve_tables.py`
without torch; and two made-up families that cross: what learns fast ends badly. What has been looked at is to develop on; what was
recorded for its curves (`trainings/curve_series.py`) is held out. The budget is that many whole trainings. Regret as in `quality.py`,
of the best last value of a training job; its standard error; training jobs begun. With --early-stopping the median rule: how often it
ends what would have become the best of a tuning job, and what it saves, on real curves, in halves of their own.
"""

import argparse
import math
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are no package that is installed

from benchmarks.curve_recipes import RECIPES as GRIDS
from benchmarks.curve_tables import SEEDS, CurveTable
from benchmarks.searches import begun, ended
from benchmarks.trainings.curve_series import ALL, CURVES
from benchmarks.trainings.data import Values
from benchmarks.trainings.recipes import FIRST, LATER
from benchmarks.trainings.recorded import Recorded
from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Continuous, Space
from local_emulator.strategies.base import Strategy
from local_emulator.strategies.hyperband import Hyperband
from local_emulator.strategies.median_rule import MedianRule
from local_emulator.strategies.random import Random

DIVERGED = 1e9  # in place of what is no number
WITH_CURVES = sorted(name for name in (*FIRST, *LATER) if Recorded(name).curves.size)
WITHOUT_TORCH = sorted(name for name in GRIDS if not name.endswith("torch"))
SPACE = Space(parameters=(Continuous(name="x", low=0.0, high=1.0),))


def crossing(speed: float, count: int = 500, epochs: int = 27) -> Values:
    """Curves that fall to a floor, the faster the higher the rate; the floor is lowest at a middle rate, and differs in other ways."""
    rng = np.random.default_rng(0)
    rate, other = rng.normal(size=count), rng.normal(size=count)
    pace = np.exp(1.6 - speed * rate)
    floor = np.exp(-2.0 + 0.25 * np.abs(rate) ** 1.5 + 0.3 * np.maximum(rate, 0.0) + 0.35 * other)
    curves = floor[:, None] + 2.3 * np.exp(-np.arange(1, epochs + 1) / pace[:, None])
    return np.asarray(curves * np.exp(0.03 * rng.normal(size=curves.shape)))


class BestHalf(Hyperband):
    """Hyperband as it was: the best half goes on at each rung."""

    def shares(self, history: History) -> Sequence[float]:  # noqa: ARG002 - as that of its base
        """A half at each rung."""
        return [0.5] * len(self.rungs)


def curves(part: str) -> Mapping[str, Values]:
    """Learning curves by name: shape (trainings, epochs)."""
    if part == "held-out":
        return {name: _recorded(name) for name in CURVES}
    made = {"crossing": crossing(0.9), "crossing late": crossing(0.45)}
    return made | {name: _recorded(name) for name in WITH_CURVES} | {name: _grid(name) for name in WITHOUT_TORCH}


def _recorded(name: str) -> Values:
    """Curves of random points."""
    return _finite(Recorded(name).curves[: ALL[name].trainings * 2 // 3])


def _grid(name: str) -> Values:
    """Curves of a grid, which is trained on the first run, each of one of its seeds."""
    table = CurveTable.read(name)
    rows = table.curves.reshape(-1, SEEDS, table.curves.shape[-1])
    chosen = rows[np.arange(len(rows)), np.random.default_rng(0).integers(SEEDS, size=len(rows))]
    return _finite(-chosen if table.recipe.maximize else chosen)


def _finite(table: Values) -> Values:
    return np.where(np.isfinite(table), table, DIVERGED)


def spend(strategy: Strategy, table: Values, seed: int, budget: int, at_once: int) -> tuple[float, int]:
    """The best last value that a budget of epochs has brought, and how many trainings were begun for it."""
    order = np.random.default_rng(seed).permutation(len(table))
    history, spent, epochs = History(goal=Goal.MINIMIZE), 0, table.shape[1]
    trials: list[Trial] = []
    while spent < budget:
        for trial in strategy.prune(history):
            trials[trial.index] = ended(trial, Status.STOPPED)
        for _ in range(min(at_once - sum(not trial.status.terminal for trial in trials), len(table) - len(trials))):
            trials.append(begun(trials, SPACE.at([0.5])))
        running = [trial for trial in trials if not trial.status.terminal]
        if not running:  # the table is used up
            break
        for trial in running[: budget - spent]:
            curve = table[order[trial.index]]
            moved = replace(trial, values=(*trial.values, float(curve[len(trial.values)])))
            trials[trial.index] = ended(moved, Status.COMPLETED) if len(moved.values) == epochs else moved
            spent += 1
        history = History(goal=Goal.MINIMIZE, trials=tuple(trials))
    return min(trial.values[-1] for trial in trials if trial.values), len(trials)


def budgets(part: str, seeds: int, whole: int) -> None:
    """Regret at equal epochs."""
    kinds: Mapping[str, Callable[[int, int], Strategy]] = {
        "Hyperband, best half": lambda seed, epochs: BestHalf(SPACE, seed=seed, max_resource=epochs),
        "Hyperband": lambda seed, epochs: Hyperband(SPACE, seed=seed, max_resource=epochs),
        "Hyperband, MinResource 3": lambda seed, epochs: Hyperband(SPACE, seed=seed, max_resource=epochs, min_resource=3),
        "Random, early stopping": lambda seed, _: Random(SPACE, seed=seed, early_stopping=True),
        "Random": lambda seed, _: Random(SPACE, seed=seed),
    }
    print(f"\n{part}: {whole} whole trainings, {seeds} seeds: mean regret (x 1000) ± standard error (training jobs begun)\n")
    print("| | at once | " + " | ".join(kinds) + " |\n" + "|---" * (len(kinds) + 2) + "|")
    for name, table in curves(part).items():
        epochs, last = table.shape[1], table[:, -1]
        optimum, typical = float(last.min()), float(np.median(last))
        for at_once in (4, 10):
            cells = []
            for make in kinds.values():
                runs = [spend(make(seed, epochs), table, seed, whole * epochs, at_once) for seed in range(seeds)]
                regrets = [1000 * (best - optimum) / (typical - optimum) for best, _ in runs]
                error = statistics.stdev(regrets) / math.sqrt(seeds)
                started = statistics.mean(count for _, count in runs)
                cells.append(f"{statistics.mean(regrets):.1f} ± {error:.1f} ({started:.0f})")
            print(f"| {name} | {at_once} | " + " | ".join(cells) + " |", flush=True)


@dataclass(frozen=True)
class Stopped:
    """What early stopping did in a tuning job.

    Attributes:
        lost: It ended every training job that would have become the best.
        saved: Share of the epochs that were not trained.
        stopped: Share of the training jobs that were stopped.
    """

    lost: bool
    saved: float
    stopped: float


def real_curves(part: str) -> Mapping[str, Values]:
    """Learning curves of real trainings by name, to be minimised: shape (trainings, epochs). Grids are trained on the first run.

    Of the recorded ones of the first series, and of the grids, every second one is held out, and so is what was recorded later.
    """
    first, turn = [name for name in WITH_CURVES if name in FIRST], 0 if part == "development" else 1
    later = [name for name in (*WITH_CURVES, *CURVES) if name not in FIRST and part != "development"]
    return {name: _recorded(name) for name in (*first[turn::2], *later)} | {name: _grid(name) for name in WITHOUT_TORCH[turn::2]}


def early_stopping(table: Values, jobs: int, at_once: int, seed: int) -> Stopped:
    """A tuning job of so many training jobs, so many at once, each an epoch in turn."""
    rule, epochs = MedianRule(), table.shape[1]
    chosen = table[np.random.default_rng([1, seed]).permutation(len(table))[:jobs]]
    trials: list[Trial] = []
    while len(trials) < jobs or any(not trial.status.terminal for trial in trials):
        while len(trials) < jobs and sum(not trial.status.terminal for trial in trials) < at_once:
            trials.append(begun(trials, SPACE.at([0.5])))
        for trial in [trial for trial in trials if not trial.status.terminal]:
            moved = replace(trial, values=(*trial.values, float(chosen[trial.index][len(trial.values)])))
            trials[trial.index] = ended(moved, Status.COMPLETED) if len(moved.values) == epochs else moved
        for trial in rule.prune(History(goal=Goal.MINIMIZE, trials=tuple(trials))):
            trials[trial.index] = ended(trial, Status.STOPPED)
    last = chosen[:, -1]
    best = [trial for trial in trials if last[trial.index] == last.min()]
    return Stopped(
        lost=all(trial.status is Status.STOPPED for trial in best),
        saved=1.0 - sum(len(trial.values) for trial in trials) / chosen.size,
        stopped=statistics.mean(trial.status is Status.STOPPED for trial in trials),
    )


def stops(part: str, seeds: int, at_once: int, jobs: int = 25) -> None:
    """How often early stopping ends what would have become the best, and what it saves."""
    print(f"\n{part}: early stopping, tuning jobs of {jobs} training jobs, {at_once} at once\n")
    print("| | the best was ended | epochs saved | training jobs stopped |\n|---|---|---|---|")
    everything: list[Stopped] = []
    for name, table in real_curves(part).items():
        own = [early_stopping(table, jobs, at_once, seed) for seed in range(seeds)]
        everything += own
        print(_row(name, own), flush=True)
    print(_row("all", everything), flush=True)


def _row(name: str, jobs: Sequence[Stopped]) -> str:
    saved, stopped = (statistics.mean(values) for values in zip(*((job.saved, job.stopped) for job in jobs), strict=True))
    return f"| {name} | {sum(job.lost for job in jobs)} of {len(jobs)} | {saved:.0%} | {stopped:.0%} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--half", choices=("development", "held-out"), default="development")
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--budget", type=int, default=20)
    parser.add_argument("--early-stopping", action="store_true", help="the median rule in place of the table of regrets")
    parser.add_argument("--tunings", type=int, default=56, help="tuning jobs of each table of curves, for the median rule")
    options = parser.parse_args()
    if not options.early_stopping:
        budgets(options.half, options.seeds, options.budget)
        return
    for at_once in (2, 10):
        stops(options.half, options.tunings, at_once)


if __name__ == "__main__":
    main()
