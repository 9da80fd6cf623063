"""What more training data would bring, on planted power laws."""

from collections.abc import Mapping

import pytest

from sm_tuning import Categorical, Objective
from sm_tuning.analysis import diagnose
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.description import TuningJobDescription
from tests.unit.sm_tuning.planted import overfit_job, remedies

SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)


def shared(values: Mapping[float, float], objective: Objective | None = None) -> Results:
    """A tuning job over shares of the training set."""
    objective = objective or Objective.minimize("validation:loss")
    trials = [
        TrialResult(
            tuning_job="planted-data",
            name=f"data-{share}",
            status="Completed",
            hyperparameters={"share": str(share)},
            reported=value,
            curves={objective.name: [value], objective.name.replace("validation", "train"): [value / 2]},
        )
        for share, value in values.items()
    ]
    job = TuningJobDescription(name="planted-data", objective=objective, ranges=[Categorical("share", list(values))])
    return Results(tuning_jobs=[job], trials=trials)


def test_what_twice_the_data_would_bring() -> None:
    diagnosis = diagnose(overfit_job(), shared({share: 0.1 + 0.2 * share**-0.5 for share in SHARES}))
    assert diagnosis.data is not None
    assert diagnosis.data.twice == pytest.approx(0.1 + 0.2 * 2**-0.5, abs=0.002)
    assert diagnosis.data.law == pytest.approx((0.1, 0.2, 0.5), abs=0.01)
    assert list(diagnosis.data.points[0]) == pytest.approx([0.1, (0.1 + 0.2 * 0.1**-0.5) / 2, 0.1 + 0.2 * 0.1**-0.5])
    assert remedies(diagnosis)[0] == "more training data"
    assert "is 0.3 with all the training data and would be about 0.24" in diagnosis.advice[0].reason


def test_accuracies_are_seen_as_errors() -> None:
    values = {share: 1 - 0.05 * share**-0.6 for share in SHARES}
    diagnosis = diagnose(overfit_job(), shared(values, Objective.maximize("validation:accuracy")))
    assert diagnosis.data is not None
    assert diagnosis.data.twice == pytest.approx(1 - 0.05 * 2**-0.6, abs=0.001)
    assert diagnosis.data.at(1) == pytest.approx(0.95, abs=0.001)
    assert diagnosis.data.between[0] <= diagnosis.data.twice <= diagnosis.data.between[1]


@pytest.mark.parametrize(
    "values",
    [
        dict(zip(SHARES, (0.31, 0.31, 0.3101, 0.31, 0.31), strict=True)),
        dict(zip(SHARES, (0.30, 0.32, 0.29, 0.31, 0.30), strict=True)),
        {share: 0.3 + 0.001 * share**-1.0 for share in SHARES},
        dict(zip(SHARES, (0.25, 0.27, 0.28, 0.30, 0.31), strict=True)),
    ],
    ids=["level", "scatter", "levelled off", "worse with more"],
)
def test_where_the_curve_is_flat_more_data_do_not_come_first(values: Mapping[float, float]) -> None:
    diagnosis = diagnose(overfit_job(), shared(values))
    assert diagnosis.data is not None
    assert not diagnosis.data.worth
    assert remedies(diagnosis)[0] == "stop earlier"
    assert "no more training data" in remedies(diagnosis)
    assert "more training data" not in remedies(diagnosis)


def test_a_script_that_does_not_use_the_share_says_nothing_about_more_data() -> None:
    diagnosis = diagnose(overfit_job(), shared(dict.fromkeys(SHARES, 0.31)))
    assert diagnosis.data is not None
    assert diagnosis.data.unused
    assert diagnosis.data.sentence("validation:loss") == (
        "all shares gave the same value: the script seems not to use the hyperparameter share"
    )
    assert diagnosis.advice == diagnose(overfit_job()).advice  # as if it had not been measured
    assert "no more training data" not in remedies(diagnosis)


def test_no_error_on_any_share_may_be_the_best_that_there_is() -> None:
    diagnosis = diagnose(overfit_job(), shared(dict.fromkeys(SHARES, 1.0), Objective.maximize("validation:accuracy")))
    assert diagnosis.data is not None
    assert not diagnosis.data.unused


def test_two_shares_are_no_curve() -> None:
    assert diagnose(overfit_job(), shared({0.5: 0.4, 1.0: 0.3})).data is None
