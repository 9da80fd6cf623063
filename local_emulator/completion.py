"""AWS's completion criteria of a tuning job, as pure functions of the history."""

from datetime import datetime, timedelta

from local_emulator.domain.history import History
from local_emulator.domain.tuning import Plan

_LEAST_FOR_CONVERGENCE = 5
_SHARE_FOR_CONVERGENCE = 0.2


def why_enough(plan: Plan, history: History, created: datetime, now: datetime) -> str | None:
    """Which criterion says that the tuning job is to end now; None for none."""
    if plan.max_runtime is not None and now >= created + timedelta(seconds=plan.max_runtime):
        return "MaxRuntimeInSeconds"
    best = None if plan.target is None else history.best
    if (
        plan.target is not None
        and best is not None
        and best.final is not None
        and not history.goal.better(plan.target, best.final)
    ):
        return "TargetObjectiveMetricValue"
    if plan.not_improving is not None and not_improving(history) >= plan.not_improving:
        return "BestObjectiveNotImproving"
    if plan.complete_on_convergence and converged_at(plan, history) is not None:
        return "ConvergenceDetected"
    return None


def not_improving(history: History) -> int:
    """NumberOfTrainingJobsObjectiveNotImproving: trials ended since the best objective last improved by one per cent."""
    return history.summary().since


def converged_at(plan: Plan, history: History) -> datetime | None:
    """When no trial had improved on the best by one per cent for a fifth of the budget (at least five trials)."""
    return history.summary(patience(plan)).converged


def patience(plan: Plan) -> int:
    """After how many trials without an improvement a search has converged."""
    return max(_LEAST_FOR_CONVERGENCE, round(_SHARE_FOR_CONVERGENCE * (plan.max_jobs or 0)))
