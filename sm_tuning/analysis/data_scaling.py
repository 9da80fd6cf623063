"""Training jobs on growing shares of the training set, with the best hyperparameters: whether more data are worth having.

The shares are a tuning job of their own (a grid over one hyperparameter that the training script must know), so they run in AWS and on
the emulator alike. It is found again by its name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sm_tuning.analysis.results import Known, Results
from sm_tuning.client.logs import DENIED
from sm_tuning.client.run import Training, TuningRun
from sm_tuning.errors import Invalid, NotFound
from sm_tuning.spec.job import Completion
from sm_tuning.spec.parameters import Categorical
from sm_tuning.spec.strategies import Grid
from sm_tuning.spec.value_types import require
from sm_tuning.tuning_job import LONGEST_NAME, TuningJob

_TAIL = "-data"


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """Which shares of the training set to train on, and the hyperparameter by which the script is told."""

    hyperparameter: str = "train_fraction"
    shares: Sequence[float] = (0.1, 0.2, 0.4, 0.7, 1.0)

    def __post_init__(self) -> None:
        require(self)
        if not self.hyperparameter:
            raise Invalid("hyperparameter is empty; it must be one that the training script knows")
        if len(set(self.shares)) < 3 or any(not 0 < share <= 1 for share in self.shares):  # noqa: PLR2004 - a curve
            raise Invalid(f"shares is {list(self.shares)}; it must be three numbers or more above 0, up to 1")

    def check(self, job: TuningJob) -> None:
        """Raise Invalid for a tuning job that can have no learning curve: one with several definitions, each with its own script."""
        if job.definitions:
            raise Invalid(f"{job.name} has several definitions; a learning curve needs a tuning job without")

    def job(self, job: TuningJob, best: Training) -> TuningJob:
        """The tuning job over the shares, all other hyperparameters as in the best training job; raises Invalid."""
        self.check(job)
        static = {**job.hyperparameters, **best.hyperparameters}
        static.pop(self.hyperparameter, None)
        return replace(
            job,
            name=name_of(job.name),
            ranges=[Categorical(self.hyperparameter, sorted(set(self.shares)))],
            hyperparameters=static,
            strategy=Grid(),
            max_jobs=None,
            completion=Completion(),
            warm_start=None,
            autotune=False,
        )


def name_of(tuning: str) -> str:
    """The name of the tuning job over the shares that belongs to a tuning job."""
    return tuning[: LONGEST_NAME - len(_TAIL)].rstrip("-") + _TAIL


def without_shares(names: Sequence[str]) -> list[str]:
    """Names of tuning jobs without those that only belong to another one's learning curve."""
    theirs = {name_of(name) for name in names}
    return [name for name in names if name not in theirs]


def read(results: Results, runs: Sequence[TuningRun], known: Known | None = None) -> Results | None:
    """What the training jobs on growing shares came to, for the tuning job that has the best training job; None without such.

    Args:
        results: What the tuning jobs have come to.
        runs: The tuning jobs.
        known: As of `Results.read`.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see TuningRun.__init__

    best = results.best
    run = next((run for run in runs if best is not None and run.name == best.tuning), None)
    if best is None or run is None:
        return None
    try:
        found = Results.read(run.other(name_of(run.name)), known=known)
    except (NotFound, Invalid):
        return None
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:  # a role may be allowed to see its own tuning jobs only
            raise
        return None
    static = found.requests[0].get("TrainingJobDefinition", {}).get("StaticHyperParameters", {})
    same = all(static.get(name, value) == value for name, value in best.training.hyperparameters.items())
    return found if same and len(found.ranges) == 1 and found.objective == results.objective else None
