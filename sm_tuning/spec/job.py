"""When a tuning job ends, and what it learns from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

LONGEST_NAME = 32  # of a tuning job


@dataclass(frozen=True, kw_only=True)
class Completion:
    """When to end before `max_jobs`: any one criterion suffices.

    Args:
        target: A value of the objective that is good enough.
        not_improving: This many training jobs (3 or more) without an improvement of the best.
        on_convergence: No significant improvement is to be expected.
        max_runtime: Seconds that the whole tuning job may take (120 or more).
    """

    target: float | None = None
    not_improving: int | None = None
    on_convergence: bool = False
    max_runtime: int | None = None

    def request(self) -> Mapping[str, Any]:
        """TuningJobCompletionCriteria; empty if there are none."""
        found: dict[str, Any] = {}
        if self.target is not None:
            found["TargetObjectiveMetricValue"] = self.target
        if self.not_improving is not None:
            found["BestObjectiveNotImproving"] = {"MaxNumberOfTrainingJobsNotImproving": self.not_improving}
        if self.on_convergence:
            found["ConvergenceDetected"] = {"CompleteOnConvergence": "Enabled"}
        return found


@dataclass(frozen=True)
class WarmStart:
    """Finished tuning jobs, one to five, whose training jobs are learnt from: as they are, or as a hint (`TransferLearning`)."""

    parents: Sequence[str]
    type: str = "IdenticalDataAndAlgorithm"

    @classmethod
    def identical(cls, *parents: str) -> Self:
        """Parents with the same data and the same image: their training jobs count as this tuning job's own."""
        return cls(parents)

    @classmethod
    def transfer(cls, *parents: str) -> Self:
        """Parents with other data or another image: what was good there is tried first."""
        return cls(parents, "TransferLearning")

    def request(self) -> Mapping[str, Any]:
        """WarmStartConfig in AWS's form."""
        parents = [{"HyperParameterTuningJobName": name} for name in self.parents]
        return {"ParentHyperParameterTuningJobs": parents, "WarmStartType": self.type}
