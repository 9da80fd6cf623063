"""What a tuning job would come to with other settings, with its charts: the facade above `simulation` and `report`."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cached_property

from sm_tuning.analysis.results import Results
from sm_tuning.errors import optional_package
from sm_tuning.report.datasets import simulation_rows
from sm_tuning.report.figures import specification
from sm_tuning.report.plots import Figure
from sm_tuning.report.simulation_chart import simulation_chart

with optional_package("simulation", "a simulation needs numpy, scipy and threadpoolctl"):
    from sm_tuning.simulation.simulation import JOBS, PARALLEL, SEEDS, replayed, simulated
    from sm_tuning.simulation.simulation import Simulation as SimulationData


class Simulation(SimulationData):
    """What other settings of a tuning job would come to. `simulate` makes one.

    Attributes:
        name: Names of the tuning jobs that it learns from.
        metric: The objective.
        goal: `Maximize` or `Minimize`.
        today: The setting of the first of the tuning jobs.
        outcomes: What was simulated, today's setting first.
        recommendation: The setting to take, and why.
        remarks: What the model of the training jobs cannot know.
        seeds: Simulated tuning jobs of each setting.
        price: Dollars of an instance-hour; None if it is not known.
        is_replay: Whether real training jobs stand for all points, as in `replay`.
    """

    @cached_property
    def plot(self) -> Figure:
        """The best objective by instance-hours, of today's setting, the recommended one and the best of each strategy."""
        chart = simulation_chart(self)
        return Figure(chart.title, chart.note, specification(chart, {"simulation": simulation_rows(self)}))


def simulate(
    results: Results,
    *,
    strategies: Sequence[str] | None = None,
    jobs: Sequence[int] = JOBS,
    parallel: Sequence[int] = PARALLEL,
    early_stopping: bool | None = None,
    budget_hours: float | None = None,
    price: float | None = None,
    seeds: int = SEEDS,
    workers: int = 1,
    progress: Callable[[int, int], object] | None = None,
) -> Simulation:
    """Simulate settings of a tuning job on a model that is learnt from its finished training jobs.

    Args:
        results: The results of one tuning job or several; the ranges, and today's setting, are those of the first.
        strategies: Names of strategies; None for Random, Bayesian, with learning curves Hyperband, and of categories alone Grid.
        jobs: Numbers of training jobs.
        parallel: Numbers of training jobs at a time.
        early_stopping: Whether the median rule stops training jobs; None for both.
        budget_hours: Instance-hours that may be spent; None for any: then what is as good as today's setting is looked for.
        price: Dollars of an instance-hour.
        seeds: Simulated tuning jobs of each setting. The same number, the same answer.
        workers: Processes; with more than one a script needs `if __name__ == "__main__":`, as `multiprocessing` demands.
        progress: A function that is called with how many of the seeds are done, and how many there are.

    Raises:
        Invalid: There is too little to learn from, what was learnt is no better than the training jobs' mean, or a choice cannot be.
        MissingExtra: The extra `simulation` is not installed.
    """
    data = simulated(
        results,
        strategies=strategies,
        jobs=jobs,
        parallel=parallel,
        early_stopping=early_stopping,
        budget_hours=budget_hours,
        price=price,
        seeds=seeds,
        workers=workers,
        progress=progress,
    )
    return _with_charts(data)


def replay(
    results: Results,
    *,
    strategies: Sequence[str] | None = None,
    seeds: int = SEEDS,
    progress: Callable[[int, int], object] | None = None,
) -> Simulation:
    """Replay a tuning job with other strategies on its real training jobs alone: each point stands for the nearest that was trained.

    It is a check of `simulate`: nothing is learnt, so nothing can be better than what was seen.

    Args:
        results: The results of one tuning job or several.
        strategies: Names of strategies; None for those of `simulate`.
        seeds: Replayed tuning jobs of each strategy.
        progress: As of `simulate`.

    Raises:
        Invalid: There are too few training jobs, or a strategy cannot be replayed.
        MissingExtra: The extra `simulation` is not installed.
    """
    return _with_charts(replayed(results, strategies=strategies, seeds=seeds, progress=progress))


def _with_charts(data: SimulationData) -> Simulation:
    return Simulation(**{field.name: getattr(data, field.name) for field in fields(data)})
