from collections.abc import Sequence
from dataclasses import replace

from sm_tuning.simulation.outcome import Outcome, Replica
from sm_tuning.simulation.recommendation import Budget, Recommendation, recommend
from sm_tuning.simulation.settings import Setting


def outcome(
    strategy: str, jobs: int, best: Sequence[float | None], hours: float, seconds: float = 100.0, parallel: int = 1
) -> Outcome:
    def path(value: float | None) -> list[tuple[float, float]]:
        return [] if value is None else [(0.1, value + 1.0), (hours, value)]

    replicas = [Replica(best=value, expected=value, hours=hours, seconds=seconds, jobs=jobs, path=path(value)) for value in best]
    return Outcome(setting=Setting(strategy=strategy, jobs=jobs, parallel=parallel), replicas=replicas)


TODAY = outcome("Random", 40, [0.30, 0.32, 0.34, 0.31], 10.0)
MORE = outcome("Random", 80, [0.20, 0.22, 0.24, 0.21], 20.0)
CHEAP = outcome("Bayesian", 20, [0.30, 0.31, 0.34, 0.31], 5.0)
WORSE = outcome("Random", 10, [0.50, 0.52, 0.54, 0.51], 2.0)


def recommended(*outcomes: Outcome, more: Outcome = MORE, noise: float = 0.01, hours: float | None = None) -> Recommendation:
    return recommend([TODAY, *outcomes], TODAY, more, sign=1.0, noise=noise, budget=Budget(hours=hours))


def test_the_cheapest_that_is_as_good_is_recommended_in_words() -> None:
    recommendation = recommended(CHEAP, WORSE)
    assert recommendation.setting == CHEAP.setting
    assert recommendation.sentences[0] == (
        "Bayesian, 20 training jobs, 1 at a time: as good as today's 40 Random training jobs for 50% of the instance-hours, in 100% "
        "of the time, in 4 of 4 simulations"
    )
    assert "more training jobs help: 80 instead of 40 gain 0.1" in recommendation.sentences[1]
    assert not recommendation.hopeless


def test_the_saving_is_that_of_the_hours_in_the_table() -> None:
    replicas = [replace(replica, hours=hours) for replica, hours in zip(CHEAP.replicas, [4.0, 4.0, 4.0, 12.0], strict=True)]
    assert "for 40% of the instance-hours" in recommended(replace(CHEAP, replicas=replicas)).sentences[0]


def test_what_is_as_good_is_not_called_worse_where_its_hours_are_cheaper_in_the_median_alone() -> None:
    replicas = [replace(replica, hours=hours) for replica, hours in zip(CHEAP.replicas, [4.0, 4.0, 4.0, 40.0], strict=True)]
    recommendation = recommended(replace(CHEAP, replicas=replicas))
    assert recommendation.setting == TODAY.setting
    assert recommendation.sentences[1] == (
        "Bayesian, 20 training jobs, 1 at a time: as good, and cheaper by the table's medians; but not clearly in the mean of the "
        "simulations' hours"
    )


def test_what_is_cheaper_with_as_good_a_median_is_not_passed_over_in_silence() -> None:
    cheap = outcome("Bayesian", 10, [0.30, 0.30, 0.31, 0.60], 5.0)
    recommendation = recommended(cheap)
    assert recommendation.setting == TODAY.setting
    assert recommendation.sentences[1] == (
        "Bayesian, 10 training jobs, 1 at a time: cheaper, and no worse by the table's medians; but against Random, 40 training jobs, "
        "1 at a time, without the luck of noise, it is 0.06 worse in the mean of the simulations (up to 0.02 worse counts as good)"
    )
    assert not any("by the table's medians" in sentence for sentence in recommended(CHEAP, WORSE).sentences)
    today = outcome("Random", 40, [0.1, 0.2, 0.3, 0.4], 10.0)
    seldom = outcome("Bayesian", 10, [0.2, 0.3, 0.4, 0.0], 5.0)
    rare = recommend([today, seldom], today, MORE, sign=1.0, noise=0.01, budget=Budget())
    assert rare.setting == today.setting
    assert "it is as good in only 25% of the simulations (up to 0.02 worse" in rare.sentences[1]


def test_of_equally_cheap_ones_the_quickest_is() -> None:
    quick = outcome("Bayesian", 21, [0.30, 0.31, 0.34, 0.31], 5.1, seconds=20.0, parallel=5)
    assert recommended(CHEAP, quick).setting == quick.setting


def test_where_nothing_is_as_good_it_stays_as_it_was() -> None:
    recommendation = recommended(WORSE)
    assert recommendation.setting == TODAY.setting
    assert "nothing that was simulated is as good for clearly fewer instance-hours" in recommendation.sentences[0]
    slow = outcome("Bayesian", 40, [0.30, 0.31, 0.34, 0.31], 9.8, seconds=200.0)
    assert recommended(slow).setting == TODAY.setting, "what saves 2 % takes twice as long"


def test_more_training_jobs_that_gain_less_than_noise_will_hardly_help() -> None:
    same = outcome("Random", 80, [0.295, 0.315, 0.335, 0.305], 20.0)
    recommendation = recommended(CHEAP, more=same)
    assert recommendation.hopeless
    assert (
        "more training jobs will hardly help: 80 instead of 40 gain 0.005; what is left is noise" in recommendation.sentences[1]
    )


def test_what_is_left_below_the_noise_and_above_it_is_said_apart() -> None:
    same = outcome("Random", 80, [0.295, 0.315, 0.335, 0.305], 20.0)
    sentences = recommended(CHEAP, more=same, noise=1e-3).sentences
    assert sentences[1].endswith("gain 0.005; the search has gained nearly all that there is (the noise is 0.001)")


def test_a_budget_is_kept() -> None:
    recommendation = recommended(CHEAP, WORSE, hours=3.0)
    assert recommendation.setting == WORSE.setting
    assert "the best that fits into 3 instance-hours" in recommendation.sentences[0]
    assert recommended(CHEAP, WORSE, MORE, hours=30.0).setting == MORE.setting


def test_a_budget_that_nothing_fits_is_said() -> None:
    recommendation = recommended(CHEAP, hours=1.0)
    assert recommendation.setting is None
    assert recommendation.sentences[0] == "no setting fits into 1 instance-hours; the least needs 5"


def test_a_setting_that_finds_nothing_is_never_as_good() -> None:
    nothing = outcome("Random", 1, [None] * 4, 0.5)
    assert recommended(nothing).setting == TODAY.setting
    assert recommended(nothing, WORSE, hours=3.0).setting == WORSE.setting
    assert recommended(nothing, hours=1.0).setting == nothing.setting, "it is all that fits"


def test_one_that_seldom_finds_nothing_is_as_good_in_the_other_simulations() -> None:
    seldom = outcome("Random", 4, [0.30, None, 0.34, 0.31], 1.0)
    recommendation = recommended(seldom)
    assert recommendation.setting == seldom.setting
    assert "in 3 of 4 simulations" in recommendation.sentences[0]
    often = outcome("Random", 4, [0.30, None, None, None], 1.0)
    assert recommended(often).setting == TODAY.setting
