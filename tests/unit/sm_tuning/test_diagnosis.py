"""Planted truths: learning curves and tuning jobs whose right diagnosis is known, because they were made so."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sm_tuning import Bayesian, Categorical, Continuous, Integer, Objective, Scaling, TuningJob
from sm_tuning.analysis import Diagnosis, Remedy, Verdict, classify, diagnose, metric_pair
from sm_tuning.analysis.curves import Curves
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.description import TuningJobDescription

START = datetime(2026, 1, 1, tzinfo=UTC)


# --- curves -----------------------------------------------------------------------------------------------------------------


def fall(epochs: int, start: float, floor: float, rate: float) -> list[float]:
    """A loss that falls towards a floor."""
    return [floor + (start - floor) * math.exp(-rate * epoch) for epoch in range(epochs)]


def jittered(curve: Sequence[float], size: float, seed: int) -> list[float]:
    chance = random.Random(seed)
    return [value + chance.gauss(0, size) for value in curve]


def losses(train: Sequence[float], held: Sequence[float], noise: float = 0.0, seed: int = 0) -> Curves:
    return {"train:loss": jittered(train, noise, seed), "validation:loss": jittered(held, noise, seed + 1)}


def overfitting(epochs: int = 40, turn: int = 10, slope: float = 0.02) -> tuple[list[float], list[float]]:
    """Training goes on; validation turns."""
    train = fall(epochs, 2.3, 0.01, 0.15)
    held = [value + 0.15 + slope * max(epoch - turn, 0) for epoch, value in enumerate(fall(epochs, 2.3, 0.3, 0.2))]
    return train, held


def good(epochs: int = 40, floor: float = 0.3) -> tuple[list[float], list[float]]:
    return fall(epochs, 2.3, floor, 0.25), [value + 0.08 for value in fall(epochs, 2.3, floor, 0.22)]


def little_data(epochs: int = 40) -> tuple[list[float], list[float]]:
    """Training fits perfectly; validation levels off far above."""
    return fall(epochs, 2.3, 0.01, 0.3), fall(epochs, 2.3, 1.2, 0.3)


CASES: list[tuple[str, Verdict, Curves]] = []
for number in range(4):
    turn, slope, noise = 6 + 4 * number, 0.02 + 0.01 * number, 0.005 * number
    CASES.append((f"too many epochs {number}", Verdict.OVERFIT, losses(*overfitting(40, turn, slope), noise, number)))
    CASES.append((f"good {number}", Verdict.GOOD, losses(*good(30 + 10 * number, 0.2 + 0.1 * number), noise, number)))
    CASES.append((f"too little data {number}", Verdict.OVERFIT, losses(*little_data(25 + 5 * number), noise, number)))
    rate = 0.005 * (number + 1)
    slow = fall(20, 2.3, 0.2, rate)
    CASES.append(
        (f"too low a rate {number}", Verdict.IMPROVING, losses(slow, [value + 0.02 for value in slow], noise / 5, number))
    )
    short = fall(4 + number, 2.3, 0.2, 0.2)
    CASES.append((f"too few epochs {number}", Verdict.IMPROVING, losses(short, [value + 0.05 for value in short])))
    rising = [2.3 * (1.1 + 0.1 * number) ** epoch for epoch in range(15)]
    CASES.append((f"too high a rate, rising {number}", Verdict.DIVERGED, losses(rising, rising)))
    broken = [*fall(5 + number, 2.3, 0.5, 0.3), *[math.nan] * 5]
    CASES.append((f"not a number {number}", Verdict.DIVERGED, losses(broken, broken)))
    jumping = [0.8 + 0.5 * (-1) ** epoch + 0.05 * random.Random(number + epoch).random() for epoch in range(30)]
    CASES.append((f"noisy {number}", Verdict.NOISY, losses([1.5, *fall(29, 1.0, 0.6, 0.2)], jumping)))
accuracy = {
    "train:accuracy": [1 - loss / 2.5 for loss in overfitting()[0]],
    "validation:accuracy": [0.9 - loss / 3 for loss in overfitting()[1]],
}
CASES += [
    ("accuracies that turn", Verdict.OVERFIT, accuracy),
    ("accuracies that rise", Verdict.GOOD, {"train_acc": [1 - loss / 2.5 for loss in good()[0]],
                                            "val_acc": [1 - loss / 2.5 for loss in good()[1]]}),
    ("an explosion in the middle", Verdict.DIVERGED,
     losses([*fall(10, 2.3, 0.5, 0.3), *[8.0] * 10], [*fall(10, 2.3, 0.6, 0.3), *[9.0] * 10])),
    ("infinite", Verdict.DIVERGED, losses([2.3, 5.0, math.inf, math.inf], [2.3, 4.0, math.inf, math.inf])),
    ("no metrics", Verdict.UNKNOWN, {}),
    ("one value", Verdict.UNKNOWN, {"validation:loss": [0.3]}),
    ("validation only, level", Verdict.GOOD, {"validation:loss": good()[1]}),
    ("validation only, falling", Verdict.IMPROVING, {"validation:loss": fall(10, 2.3, 0.2, 0.05)}),
]  # fmt: skip


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize(("name", "verdict", "curves"), CASES, ids=[case[0] for case in CASES])
def test_planted_curves(name: str, verdict: Verdict, curves: Curves) -> None:
    fit = classify(curves)
    assert fit.verdict is verdict, fit.reason
    assert fit.reason


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_called_overfit_that_is_not(seed: int) -> None:
    """Good fits of any length, floor and noise."""
    chance = random.Random(seed)
    train, held = good(chance.randint(15, 80), chance.uniform(0.1, 1.0))
    fit = classify(losses(train, held, chance.uniform(0, 0.03), seed))
    assert fit.verdict is not Verdict.OVERFIT, fit.reason


def test_the_evidence() -> None:
    fit = classify(losses(*overfitting(40, 10, 0.03)))
    assert fit.best_epoch is not None
    assert 8 <= fit.best_epoch <= 18
    assert fit.gap == pytest.approx(overfitting(40, 10, 0.03)[1][-1] - overfitting(40, 10, 0.03)[0][-1])
    assert str(fit.best_epoch) in fit.reason


def test_underfit_beside_others() -> None:
    curves = losses(fall(40, 2.3, 1.6, 0.4), [value + 0.02 for value in fall(40, 2.3, 1.6, 0.4)])
    assert classify(curves).verdict is Verdict.GOOD  # alone there is nothing to tell it by
    assert classify(curves, least=0.1).verdict is Verdict.UNDERFIT
    quick = losses(fall(40, 0.34, 0.11, 0.4), [value + 0.01 for value in fall(40, 0.34, 0.11, 0.4)])
    assert classify(quick, least=0.02).verdict is Verdict.UNDERFIT
    assert classify(quick, least=0.02, start=1.2).verdict is Verdict.GOOD  # it gained most in its first epoch


@pytest.mark.parametrize(
    ("names", "objective", "expected"),
    [
        (["train:loss", "validation:loss", "train:auc", "validation:auc"], "validation:auc", ("train:loss", "validation:loss")),
        (["train_acc", "val_acc"], "val_acc", ("train_acc", "val_acc")),
        (["validation:auc", "train:auc"], "validation:auc", ("train:auc", "validation:auc")),
        (["score"], "score", (None, "score")),
        (["train:loss"], "train:loss", ("train:loss", None)),
        (["speed"], "score", (None, None)),
    ],
)  # fmt: skip
def test_which_metrics_belong_together(names: Sequence[str], objective: str, expected: tuple[str | None, str | None]) -> None:
    assert metric_pair(dict.fromkeys(names, (1.0,)), objective) == expected


# --- tuning jobs ------------------------------------------------------------------------------------------------------------

Play = Callable[[Mapping[str, float]], Curves]


def tuned(play: Play, ranges: Mapping[str, tuple[float, float, str]], jobs: int = 30, seed: int = 1) -> Results:
    """A random tuning job of a planted space; the objective is the last validation loss."""
    chance = random.Random(seed)
    trials = []
    for number in range(jobs):
        point = {}
        for name, (low, high, scaling) in ranges.items():
            at = chance.random()
            point[name] = (
                math.exp(math.log(low) + at * math.log(high / low)) if scaling == "Logarithmic" else low + at * (high - low)
            )
        curves = play(point)
        held = curves.get("validation:loss", ())
        value = held[-1] if held and math.isfinite(held[-1]) else None
        trial = TrialResult(
            tuning_job="planted",
            name=f"job-{number:03d}",
            status="Completed",
            hyperparameters={name: repr(setting) for name, setting in point.items()},
            reported=value,
            created=START + timedelta(minutes=number),
            started=START + timedelta(minutes=number),
            ended=START + timedelta(minutes=number + 2),
            curves=curves,
        )
        trials.append(trial)
    formed = [Continuous(name, low, high, Scaling(scaling)) for name, (low, high, scaling) in ranges.items()]
    objective = Objective.minimize("validation:loss")
    job = TuningJobDescription(name="planted", objective=objective, ranges=formed, max_parallel=2)
    return Results(tuning_jobs=[job], trials=trials)


RATE = {"learning_rate": (1e-4, 1.0, "Logarithmic"), "regularization": (1e-6, 1e-1, "Logarithmic")}


def diverging(point: Mapping[str, float]) -> Curves:
    """Above a rate of 0.1 training diverges; the best rate is 0.01."""
    rate = point["learning_rate"]
    if rate > 0.1:
        return losses([2.3 * 1.3**epoch for epoch in range(20)], [2.3 * 1.3**epoch for epoch in range(20)])
    floor = 0.2 + 0.2 * abs(math.log10(rate / 0.01))
    curve = fall(20, 2.3, floor, 0.4)
    return losses(curve, [value + 0.05 for value in curve])


def falling(towards: str) -> Play:
    """The farther towards an end of the rate's range, the better."""

    def play(point: Mapping[str, float]) -> Curves:
        distance = math.log10(1.0 / point["learning_rate"]) if towards == "high" else math.log10(point["learning_rate"] / 1e-4)
        curve = fall(25, 2.3, 0.2 + 0.3 * distance, 0.5)
        return losses(curve, [value + 0.05 for value in curve])

    return play


def effect(diagnosis: Diagnosis, name: str) -> Any:
    return next(effect for effect in diagnosis.effects if effect.name == name)


def remedies(diagnosis: Diagnosis) -> list[str]:
    return [advice.remedy for advice in diagnosis.advice]


@pytest.mark.parametrize("seed", range(5))
def test_where_training_diverges(seed: int) -> None:
    diagnosis = diagnose(tuned(diverging, RATE, 40, seed))
    above = effect(diagnosis, "learning_rate").diverges_above
    assert above is not None
    assert 0.08 < above < 0.3
    assert effect(diagnosis, "regularization").diverges_above is None
    assert any(remedy.startswith("end the range of learning_rate at 0.") for remedy in remedies(diagnosis))


@pytest.mark.parametrize("seed", range(5))
def test_which_hyperparameter_matters(seed: int) -> None:
    diagnosis = diagnose(tuned(falling("high"), RATE, 40, seed))
    assert effect(diagnosis, "learning_rate").strength > 0.7
    assert effect(diagnosis, "regularization").strength < 0.3
    assert diagnosis.effects[0].name == "learning_rate"


@pytest.mark.parametrize(("towards", "word"), [("high", "upwards"), ("low", "downwards")])
def test_an_optimum_at_the_edge(towards: str, word: str) -> None:
    diagnosis = diagnose(tuned(falling(towards), RATE, 60))
    assert effect(diagnosis, "learning_rate").edge == towards
    assert f"widen the range of learning_rate {word}" in remedies(diagnosis)
    (advice,) = (advice for advice in diagnosis.advice if advice.kind is Remedy.WIDEN_RANGE)
    low, high = advice.ranges["learning_rate"]
    assert (low, high > 1.0) == (1e-4, True) if towards == "high" else (high, low < 1e-4) == (1.0, True)


def test_an_optimum_inside_is_not_at_the_edge() -> None:
    diagnosis = diagnose(tuned(diverging, RATE, 60))
    assert effect(diagnosis, "learning_rate").edge is None
    assert not any(remedy.startswith("widen") for remedy in remedies(diagnosis))


def test_a_scale_that_does_not_suit() -> None:
    diagnosis = diagnose(tuned(diverging, {"learning_rate": (1e-4, 1.0, "Linear")}, 60))
    assert effect(diagnosis, "learning_rate").wants_logarithmic
    assert "search learning_rate on a logarithmic scale" in remedies(diagnosis)


def test_overfitting_asks_for_data_first() -> None:
    """Too many epochs everywhere; regularization helps a little."""

    def play(point: Mapping[str, float]) -> Curves:
        train, held = overfitting(40, 12, 0.02 - 0.001 * math.log10(point["regularization"] / 1e-6))
        return losses(train, held)

    diagnosis = diagnose(tuned(play, RATE))
    assert diagnosis.fit.verdict is Verdict.OVERFIT
    assert remedies(diagnosis)[:4] == ["more training data", "stop earlier", "data augmentation", "more regularization"]
    assert all(any(letter.isdigit() for letter in advice.reason) for advice in diagnosis.advice[:2])


def test_too_much_regularization_underfits() -> None:
    """The strong penalties leave training far behind; those jobs are told apart from the good ones."""

    def play(point: Mapping[str, float]) -> Curves:
        floor = 0.1 + (1.5 if point["regularization"] > 1e-3 else 0.0)
        return losses(fall(30, 2.3, floor, 0.5), [value + 0.05 for value in fall(30, 2.3, floor, 0.5)])

    results = tuned(play, RATE, 30)
    diagnosis = diagnose(results)
    for trial in results.trials:
        strong = float(trial.hyperparameters["regularization"]) > 1e-3
        assert (diagnosis.fits[trial.name].verdict is Verdict.UNDERFIT) == strong


def test_too_few_epochs_ask_for_more() -> None:
    def play(_: Mapping[str, float]) -> Curves:
        curve = fall(6, 2.3, 0.1, 0.15)
        return losses(curve, [value + 0.05 for value in curve])

    diagnosis = diagnose(tuned(play, RATE, 10))
    assert remedies(diagnosis)[:2] == ["more epochs", "a higher learning rate"]


def test_without_metrics_it_says_what_to_print() -> None:
    diagnosis = diagnose(tuned(lambda _: {}, RATE, 5))
    assert diagnosis.best is None
    assert remedies(diagnosis)[0].startswith("print the training and the validation metric")


def test_the_next_round_is_a_tuning_job() -> None:
    job = TuningJob(
        name="planted",
        role="arn:aws:iam::123456789012:role/R",
        output="s3://b/o",
        image="123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
        objective=Objective.minimize("validation:loss", "validation:loss=([-+0-9.e]+)"),
        ranges=[
            Continuous("learning_rate", 1e-4, 1.0, Scaling.LOGARITHMIC),
            Continuous("regularization", 1e-6, 1e-1, Scaling.LOGARITHMIC),
            Integer("epochs", 5, 50),
        ],
        strategy=Bayesian(),
        max_jobs=10,
    )
    following = diagnose(tuned(diverging, RATE, 40)).next_round(job, "planted-2")
    ranges = following.definition.ranges
    rate = ranges[0]
    assert isinstance(rate, Continuous)
    assert rate.high < 0.3
    assert ranges[1:] == job.definition.ranges[1:]
    assert following.warm_start is not None
    assert following.warm_start.parents == ("planted",)
    assert not following.dry_run().problems


# --- what the advice says beyond the first remedies -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_an_unimportant_hyperparameter_is_left_alone(seed: int) -> None:
    plan = remedies(diagnose(tuned(falling("high"), RATE, 60, seed)))
    assert [remedy.split(" at ")[0] for remedy in plan if remedy.startswith("leave")] == ["leave regularization"]
    assert not any(remedy.startswith("leave learning_rate") for remedy in plan)


def test_a_slow_rate_asks_for_a_higher_one_first() -> None:
    def play(point: Mapping[str, float]) -> Curves:
        curve = [2.3 - 0.01 * (1 + point["learning_rate"]) * epoch for epoch in range(25)]
        return losses(curve, [value + 0.02 for value in curve])

    diagnosis = diagnose(tuned(play, RATE, 12))
    assert remedies(diagnosis)[:2] == ["a higher learning rate", "more epochs"]
    low, high = diagnosis.advice[0].ranges["learning_rate"]
    assert low < high


def test_the_best_of_numeric_categories_may_lie_at_the_edge() -> None:
    results = tuned(falling("high"), RATE, 30)
    sizes = {trial.name: str(2 ** (4 + 5 * rank // 30)) for rank, trial in enumerate(reversed(results.ranking))}
    trials = [replace(trial, hyperparameters={"batch_size": sizes[trial.name]}) for trial in results.trials]
    job = replace(results.tuning_jobs[0], ranges=[Categorical("batch_size", ["16", "32", "64", "128", "256"])])
    diagnosis = diagnose(Results(tuning_jobs=[job], trials=trials))
    assert effect(diagnosis, "batch_size").edge == "high"
    assert "widen the range of batch_size upwards" in remedies(diagnosis)


def test_one_training_job_that_is_far_off_does_not_hide_the_effect() -> None:
    results = tuned(falling("high"), RATE, 40)
    trials = [replace(results.trials[0], reported=1e12), *results.trials[1:]]
    assert effect(diagnose(replace(results, trials=trials)), "learning_rate").strength > 0.7


def test_a_training_job_that_failed_for_it_has_diverged() -> None:
    results = tuned(falling("high"), RATE, 6)
    reason = "ExecuteUserScriptError: ExitCode 1\nErrorMessage: The loss is not a number in epoch 3: learning_rate=1 is too high"
    failed = replace(results.trials[0], status="Failed", reported=None, failure_reason=reason, curves={})
    fit = diagnose(replace(results, trials=[failed, *results.trials[1:]])).fits[failed.name]
    assert (fit.verdict, "The loss is not a number in epoch 3" in fit.reason) == (Verdict.DIVERGED, True)


def test_when_all_diverge_a_lower_rate_comes_first() -> None:
    diagnosis = diagnose(tuned(lambda _: losses([2.3, math.nan, math.nan], [2.3, math.nan, math.nan]), RATE, 5))
    assert diagnosis.best is None
    assert (diagnosis.fit.verdict, remedies(diagnosis)[0]) == (Verdict.DIVERGED, "a lower learning rate")


def test_no_advice_undoes_another() -> None:
    """Overfitting by loss while the objective wants more epochs: the range is made shorter, and not widened too."""

    def play(point: Mapping[str, float]) -> Curves:
        return losses(*overfitting(round(point["epochs"]), 8, 0.03))

    ranges = {"epochs": (30.0, 40.0, "Linear")}
    results = tuned(play, ranges, 30)
    trials = [replace(trial, reported=-float(trial.hyperparameters["epochs"])) for trial in results.trials]
    diagnosis = diagnose(replace(results, trials=trials))
    assert effect(diagnosis, "epochs").edge == "high"
    assert "stop earlier" in remedies(diagnosis)
    assert not any(remedy.startswith("widen") for remedy in remedies(diagnosis))


# --- more data --------------------------------------------------------------------------------------------------------------


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


def overfit_job() -> Results:
    return tuned(lambda _: losses(*overfitting()), RATE, 5)


SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)


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
        dict.fromkeys(SHARES, 0.31),
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
    assert remedies(diagnosis)[-1] == "no more training data"


def test_two_shares_are_no_curve() -> None:
    assert diagnose(overfit_job(), shared({0.5: 0.4, 1.0: 0.3})).data is None
