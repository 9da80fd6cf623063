"""Training jobs on growing shares of the training set, with the best hyperparameters: the description.

The shares are a tuning job of their own (a grid over one hyperparameter that the training script must know), so they run in AWS and on
the emulator alike. It is found again by its name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sm_tuning.errors import Invalid
from sm_tuning.spec.job import LONGEST_NAME, Completion, TuningJobSpec
from sm_tuning.spec.parameters import Categorical
from sm_tuning.spec.strategies import Grid
from sm_tuning.spec.value_types import require

_TAIL = "-data"
_LEAST_SHARES = 3  # two make no curve
_Job = TypeVar("_Job", bound=TuningJobSpec)


@dataclass(frozen=True, kw_only=True)
class DataScaling:
    """Trainings of the best hyperparameters on growing shares of the training set, to see what more data would bring.

    Args:
        hyperparameter: The one that passes a share to the training script, which must know it.
        shares: Three or more numbers above 0, up to 1, the whole training set.

    Raises:
        Invalid: The hyperparameter has no name, or the shares are too few or out of bounds.
    """

    hyperparameter: str = "train_fraction"
    shares: Sequence[float] = (0.1, 0.2, 0.4, 0.7, 1.0)

    def __post_init__(self) -> None:
        require(self)
        if not self.hyperparameter:
            raise Invalid("hyperparameter is empty; it must be one that the training script knows")
        if len(set(self.shares)) < _LEAST_SHARES or any(not 0 < share <= 1 for share in self.shares):
            raise Invalid(f"shares is {list(self.shares)}; it must be three numbers or more above 0, up to 1")

    def check(self, job: TuningJobSpec) -> None:
        """Raise Invalid for a tuning job with several definitions, each with its own script."""
        if job.several:
            raise Invalid(f"{job.name} has several definitions; data scaling needs a tuning job with one")

    def job(self, job: _Job, best: Mapping[str, str]) -> _Job:
        """The tuning job over the shares, all other hyperparameters as in the best training job; raises Invalid.

        Args:
            job: The tuning job that was tuned.
            best: The tuned hyperparameters of its best training job.
        """
        self.check(job)
        static = {**job.definition.hyperparameters, **best}
        static.pop(self.hyperparameter, None)
        return job.changed(
            name=scaling_job_name(job.name),
            ranges=[Categorical(self.hyperparameter, sorted(set(self.shares)))],
            hyperparameters=static,
            strategy=Grid(),
            max_jobs=None,
            completion=Completion(),
            warm_start=None,
            autotune=False,
        )


def scaling_job_name(tuning_job: str) -> str:
    """The name of the tuning job over the shares that belongs to a tuning job."""
    return tuning_job[: LONGEST_NAME - len(_TAIL)].rstrip("-") + _TAIL


def without_scaling_jobs(names: Sequence[str]) -> list[str]:
    """Names of tuning jobs without those over the shares of another one of them."""
    scaling_jobs = {scaling_job_name(name) for name in names}
    return [name for name in names if name not in scaling_jobs]
