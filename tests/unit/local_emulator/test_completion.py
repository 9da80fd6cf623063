"""The completion criteria, on examples that were computed by hand."""

from local_emulator.domain.history import Goal
from tests.unit.local_emulator.strategies.test_median_rule import enough


def test_target() -> None:
    assert enough([0.8, 0.9], target=0.9) == "TargetObjectiveMetricValue"
    assert enough([0.8, 0.89], target=0.9) is None
    assert enough([0.2, 0.1], Goal.MINIMIZE, target=0.1) == "TargetObjectiveMetricValue"
    assert enough([], target=0.1) is None


def test_max_runtime() -> None:
    assert enough([0.1], seconds=119, max_runtime=120) is None
    assert enough([0.1], seconds=120, max_runtime=120) == "MaxRuntimeInSeconds"


def test_not_improving() -> None:
    """An improvement counts from one per cent of the best: 0.80 -> 0.807 is 0.9 %, 0.80 -> 0.81 is 1.25 %."""
    assert enough([0.80, 0.807, 0.79, 0.78], not_improving=3) == "BestObjectiveNotImproving"
    assert enough([0.80, 0.807, 0.79, 0.81], not_improving=3) is None
    assert enough([0.80, None, None, None], not_improving=3) == "BestObjectiveNotImproving"
    # Small steps add up: 0.80 -> 0.807 -> 0.81 is measured from 0.80, the best that counted.
    assert enough([0.80, 0.807, 0.81, 0.79, 0.79], not_improving=3) is None
    assert enough([-1.0, -0.995, -2.0, -2.0], not_improving=3) == "BestObjectiveNotImproving"
    assert enough([-1.0, -0.98, -2.0, -2.0], not_improving=3) is None


def test_convergence() -> None:
    """No gain of one per cent in a fifth of the budget, five at least: of 50 jobs that is ten, of 10 five."""
    flat = [0.5] * 6
    assert enough(flat, max_jobs=10, complete_on_convergence=True) == "ConvergenceDetected"
    assert enough(flat[:5], max_jobs=10, complete_on_convergence=True) is None
    assert enough(flat, max_jobs=50, complete_on_convergence=True) is None
    assert enough([0.5] * 11, max_jobs=50, complete_on_convergence=True) == "ConvergenceDetected"
    assert enough(flat, max_jobs=10) is None
