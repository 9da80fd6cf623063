"""When a tuning job has enough: AWS's completion criteria, as pure functions of the history."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.tuning import Plan

SIGNIFICANT = 0.01  # an objective must be this much better than the best, relatively, to count as an improvement
_LEAST_FOR_CONVERGENCE = 5
_SHARE_FOR_CONVERGENCE = 0.2


def why_enough(plan: Plan, history: History, created: datetime, now: datetime) -> str | None:
    """Which criterion says that the tuning job is to end now; None for none."""
    if plan.max_runtime is not None and now >= created + timedelta(seconds=plan.max_runtime):
        return "MaxRuntimeInSeconds"
    best = history.best
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
    count = 0
    for _, improved in _improvements(history):
        count = 0 if improved else count + 1
    return count


def converged_at(plan: Plan, history: History) -> datetime | None:
    """When no trial had improved on the best by one per cent for a fifth of the budget (at least five trials)."""
    patience = max(_LEAST_FOR_CONVERGENCE, round(_SHARE_FOR_CONVERGENCE * (plan.max_jobs or 0)))
    count = 0
    for trial, improved in _improvements(history):
        count = 0 if improved else count + 1
        if count >= patience:
            return trial.ended
    return None


def _improvements(history: History) -> Iterator[tuple[Trial, bool]]:
    """Trials in the order of their ends, each with whether its objective was a significant improvement."""
    best: float | None = None
    ended = [trial for trial in history.comparable if trial.ended is not None]
    for trial in sorted(ended, key=lambda one: (one.ended, one.index)):
        improved = trial.final is not None and (best is None or _significant(history.goal, trial.final, best))
        if improved:
            best = trial.final
        yield trial, improved


def _significant(goal: Goal, value: float, best: float) -> bool:
    return goal.better(value, best) and abs(value - best) >= SIGNIFICANT * abs(best)
