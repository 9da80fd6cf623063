"""Results with all that can be done with them: the facade above `analysis`, which reads and holds them, and `report`, which draws."""

from collections.abc import Mapping, MutableMapping, Sequence
from functools import cached_property
from typing import Any, Self

from sm_tuning.analysis import reading
from sm_tuning.analysis.curves import DetailsCache
from sm_tuning.analysis.proposals import Proposal, Proposals
from sm_tuning.analysis.results import Results as ResultsData
from sm_tuning.client.run import TuningRun
from sm_tuning.report.plots import Plots
from sm_tuning.simulation.proposals import explain


class Results(ResultsData):
    """Tuning jobs with the same objective, and their training jobs. `read_results` makes one.

    Attributes:
        tuning_jobs: One tuning job or more.
        trials: Their training jobs, in launch order for each tuning job.
    """

    @cached_property
    def plot(self) -> Plots:
        """Charts, such as `plot.history()`; each is the report's own."""
        return Plots(self)

    @classmethod
    def of(cls, results: ResultsData) -> Self:
        """The same results with charts."""
        return cls(tuning_jobs=results.tuning_jobs, trials=results.trials)


def read_results(
    *runs: TuningRun,
    curves: bool = True,
    cache: DetailsCache | None = None,
    described: Sequence[Mapping[str, Any]] | None = None,
) -> Results:
    """Read the results that tuning jobs have so far.

    Args:
        runs: One tuning job or several; all must have the same objective.
        curves: Whether to read the learning curves, a log for each training job, and what else needs a request for each.
        cache: What was read of training jobs that had ended by then; those that have ended since are added.
        described: Answers of `describe`, one for each tuning job, where they are at hand.

    Raises:
        Invalid: The tuning jobs have different objectives.
    """
    return Results.of(reading.read_results(*runs, curves=curves, cache=cache, described=described))


def read_data_scaling(results: ResultsData, runs: Sequence[TuningRun], cache: DetailsCache | None = None) -> Results | None:
    """Read the training jobs on growing shares of the training set that belong to the tuning job with the best training job.

    Args:
        results: The results of the tuning jobs.
        runs: The tuning jobs.
        cache: As for `read_results`.

    Returns:
        Their results; None if there are none, if they may not be read, or if they have other hyperparameters than the best.
    """
    shares = reading.read_data_scaling(results, runs, cache)
    return None if shares is None else Results.of(shares)


def read_proposals(
    results: ResultsData,
    runs: Sequence[TuningRun],
    known: MutableMapping[str, Proposal] | None = None,
    parents: MutableMapping[str, ResultsData] | None = None,
) -> Proposals:
    """Say why each training job has its hyperparameters: the first points, exploring, exploiting, at random.

    It is computed from the results by the emulator's own strategies, so for a tuning job on the emulator it is why the points
    were proposed. AWS does not tell how it proposes points; for a tuning job there it is what the same model expected.
    Of Bayesian search it needs the extra `simulation`. What is not known, and why, is in `missing`.

    Args:
        results: The results of the tuning jobs.
        runs: The tuning jobs.
        known: What was computed before, by the training job's name; training jobs that have ended since are added.
        parents: The same of tuning jobs that others were warm-started with: their results, without curves.
    """
    return explain(results, reading.read_parents(results, runs, parents), known)
