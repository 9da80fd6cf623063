import pytest

from local_emulator.domain.history import Goal
from sm_tuning.simulation.outcome import Interval, Margin, Outcome, Replica, mean_ranks, replicas_of
from sm_tuning.simulation.settings import Setting
from sm_tuning.simulation.simulator import Ended

SETTING = Setting(strategy="Random", jobs=3, parallel=1)


def ended(index: int, final: float | None, start: float, end: float) -> Ended:
    return Ended(index=index, launched=start, started=start, ended=end, final=final, expected=final, epochs=1)


TRAININGS = [ended(2, 0.5, 0, 1800), ended(1, 0.3, 0, 3600), ended(3, 0.1, 1800, 5400), ended(4, None, 3600, 7200)]


def test_a_replica_is_what_the_first_training_jobs_came_to() -> None:
    replicas = replicas_of(TRAININGS, [2, 3, 4], Goal.MINIMIZE, instances=2)
    assert [replicas[count].best for count in (2, 3, 4)] == [0.3, 0.1, 0.1]
    assert [replicas[count].hours for count in (2, 3, 4)] == [3.0, 5.0, 7.0]
    assert [replicas[count].seconds for count in (2, 3, 4)] == [3600, 5400, 7200]
    assert replicas[3].path == [(2.0, 0.5), (4.0, 0.3), (5.0, 0.1)]


def test_more_is_better_where_the_goal_says_so() -> None:
    assert replicas_of(TRAININGS, [3], Goal.MAXIMIZE, 1)[3].best == 0.5


def test_an_interval_holds_four_fifths() -> None:
    assert Interval.of(range(11)) == Interval(median=5, low=1.0, high=9.0)
    assert Interval.of(range(11)).widened(Margin(lower=2.0, upper=1.5)) == Interval(median=5, low=-3.0, high=11.0)
    assert Interval.of(range(11)).widened(Margin(lower=2.0, upper=9.0, least=0.0, most=10.0)) == Interval(
        median=5, low=0.0, high=10.0
    )
    assert Interval.of([2.0]) == Interval(median=2.0, low=2.0, high=2.0)


def test_the_best_by_hours_gets_better_alone() -> None:
    outcome = Outcome(setting=SETTING, replicas=[replicas_of(TRAININGS, [3], Goal.MINIMIZE, 1)[3]] * 3)
    points = outcome.over_hours(Goal.MINIMIZE)
    medians = [interval.median for _, interval in points]
    assert medians == sorted(medians, reverse=True)
    assert (points[0][0], medians[0]) == (1.0, 0.5)
    assert points[-1][0] == pytest.approx(2.5)
    assert medians[-1] == 0.1


def test_ranks_are_of_each_world_and_then_their_mean() -> None:
    def outcome(*bests: float | None) -> Outcome:
        return Outcome(
            setting=SETTING,
            replicas=[Replica(best=best, expected=best, hours=1.0, seconds=1.0, jobs=1, path=()) for best in bests],
        )

    outcomes = [outcome(1.0, 5.0, None), outcome(2.0, 0.0, 3.0), outcome(2.0, 4.0, 4.0)]
    assert mean_ranks(outcomes, 1.0) == pytest.approx([7 / 3, 4.5 / 3, 6.5 / 3])
    assert mean_ranks(outcomes, -1.0) == pytest.approx([7 / 3, 6.5 / 3, 4.5 / 3])
