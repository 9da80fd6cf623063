"""The rules by which the benchmark of verdicts labels real trainings, on quantities made for each."""

import math
from typing import Any

import pytest

from benchmarks.diagnosis.cases import cases
from benchmarks.diagnosis.truths import Numbers, truth


def of(form: str = "accuracy", **numbers: Any) -> Numbers:
    """A sound training that has converged, but for what is said."""
    usual = {"attainable": 0.93, "train": 0.94, "end": 0.925, "chance": 0.5 if form == "accuracy" else 0.0} | numbers
    usual = {"top": usual["train"], "then": usual["train"], "best": usual["end"], "later": usual["end"]} | usual
    return Numbers(form=form, **usual)


@pytest.mark.parametrize("form", ["accuracy", "r2", "loss"])
def test_a_sound_training_is_a_good_fit(form: str) -> None:
    judged = truth(of(form))
    assert judged.accepted == {"good fit"}
    assert judged.clear
    assert judged.sound


@pytest.mark.parametrize(
    ("numbers", "accepted"),
    [
        (of(train=1.0, end=0.89), {"overfit"}),
        (of(train=1.0, end=0.93), {"good fit", "overfit"}),  # a gap of 7 points: a matter of taste
        (of(train=1.0, end=0.905, error=0.01), {"good fit", "overfit"}),  # 9.5 points, and a point of doubt
        (of(train=0.99, end=0.90, best=0.96), {"overfit"}),  # fell by 6 points
        (of(train=0.92, end=0.90, best=0.96), {"good fit", "overfit"}),  # both fell
        (of(train=1.0, end=0.85, recent=0.03, later=0.89), {"overfit", "still improving"}),
        (of(train=1.0, end=0.85, recent=0.01), {"overfit", "still improving"}),
        (of(train=1.0, end=0.75, recent=0.03, later=0.79), {"overfit"}),
        (of("r2", train=0.99, end=0.75), {"overfit"}),
        (of("r2", train=0.99, end=0.86), {"good fit", "overfit"}),
        (of("loss", train=0.99, end=0.7, best=0.78), {"overfit"}),  # loss 0.30 after 0.22
        (of("loss", train=0.999, end=0.99, best=0.993), {"good fit"}),  # four times as much loss, of next to none
        (of("loss", train=0.5, end=0.47, attainable=0.5), {"good fit"}),  # six per cent more loss
        (of("loss", train=0.9, end=0.6, best=0.6), {"overfit"}),
    ],
)
def test_a_gap_or_a_fall_on_fresh_rows_is_an_overfit(numbers: Numbers, accepted: set[str]) -> None:
    judged = truth(numbers)
    assert judged.accepted == accepted
    assert judged.clear == (len(accepted) == 1)
    assert judged.sound == ("overfit" not in accepted)


@pytest.mark.parametrize(
    ("numbers", "accepted"),
    [
        (of(train=0.6, end=0.6), {"underfit"}),
        (of(train=0.6, end=0.6, recent=0.01), {"underfit", "still improving"}),
        (of(train=0.8, end=0.8), {"good fit", "underfit"}),  # two thirds of the way: the curve does not say what can be had
        (of(train=0.6, end=0.6, attainable=0.62), {"good fit", "underfit"}),  # no more can be had, but no curve says so
        (of(train=0.5, end=0.5), {"underfit"}),
        (of(train=0.5, end=0.5, slower=0.5), {"underfit", "rate too high"}),  # dead, as it is at a lower rate: no curve tells why
        (of(train=0.5, end=0.5, top=0.55, slower=0.5), {"underfit"}),
        (of(train=0.6, end=0.6, slower=0.66), {"underfit", "rate too high"}),
        (of("loss", train=0.3, end=0.3), {"underfit"}),
    ],
)
def test_far_below_what_can_be_had_is_an_underfit(numbers: Numbers, accepted: set[str]) -> None:
    assert truth(numbers).accepted == accepted


@pytest.mark.parametrize(
    ("numbers", "accepted"),
    [
        (of(recent=0.03, later=0.96), {"still improving"}),
        (of(recent=0.03), {"good fit", "still improving"}),  # it rose, but went no further
        (of("loss", recent=0.03, end=0.8, train=0.8, later=0.83), {"still improving", "underfit"}),
        (of(recent=0.01, later=0.932), {"good fit", "still improving"}),
        (of(recent=0.01, later=0.932, gained=0.06, pace=0.7), {"still improving"}),  # little, but steadily
        (of(train=0.6, end=0.6, recent=0.001, pace=0.9), {"still improving", "underfit"}),
    ],
)
def test_what_more_training_brings_says_whether_it_still_improves(numbers: Numbers, accepted: set[str]) -> None:
    assert truth(numbers).accepted == accepted


FAILED = {"diverged", "rate too high"}


@pytest.mark.parametrize(
    ("numbers", "accepted"),
    [
        (of("loss", finite=False, visible=True), FAILED),
        (
            of(finite=False, train=0.5, end=0.5),
            FAILED | {"underfit"},
        ),  # accuracies of nothing look like those of a constant answer
        (of("loss", train=-3.0, end=-3.0, top=0.2), FAILED),
        (of("loss", train=-3.0, end=-3.0, recent=0.5), {"still improving", "underfit"}),  # it began far off and comes down
        (of(train=0.5, end=0.5, top=0.9, best=0.88), FAILED),  # it had learnt, and lost it
        (of(train=0.5, end=0.5, slower=0.9), FAILED | {"underfit"}),
        (of(train=0.5, end=0.5, slower=0.9, visible=True), FAILED),
        (of(train=0.5, end=0.5, slower=0.9, visible=True, scatter=0.05), FAILED | {"noisy"}),
        (of(train=0.65, end=0.65, slower=0.9), {"rate too high", "underfit"}),
    ],
)
def test_a_training_that_failed(numbers: Numbers, accepted: set[str]) -> None:
    judged = truth(numbers)
    assert judged.accepted == accepted
    assert judged.clear == (accepted == FAILED)
    assert not judged.sound


def test_scatter_is_accepted_beside_other_verdicts() -> None:
    assert truth(of(scatter=0.04)).accepted == {"good fit", "noisy"}
    assert truth(of(train=1.0, end=0.6, scatter=0.04)).accepted == {"overfit"}
    assert truth(of(train=1.0, end=0.93, doubt=0.12)).accepted == {"good fit", "overfit", "unknown"}


def record(**changes: Any) -> dict[str, Any]:
    """Ten epochs of a sound classification of two classes, and five more."""
    loss, metric = [0.6, 0.4, 0.3, 0.2] + [0.15] * 11, [0.7, 0.85, 0.9, 0.93] + [0.95] * 11
    return {
        "name": "t-0",
        "family": "t",
        "learner": "layers",
        "settings": {},
        "classes": 2,
        "rows": {"train": 500, "validation": 500, "fresh": 3000},
        "epochs": 10,
        "curves": dict.fromkeys(("train", "validation", "fresh"), (loss, metric)),
        "printed": (loss, metric),
        "constant": False,
        "constant_loss": math.log(2),
        "chance": 0.5,
        "reference": (0.15, 0.95),
        "slower": None,
        "names": {"loss": ("loss", "val_loss"), "accuracy": ("train-error", "validation-error")},
        "digits": 2,
    } | changes


def test_a_record_gives_a_case_of_each_form_as_it_is_printed() -> None:
    losses, errors = cases(record())
    assert losses["curves"]["val_loss"] == [0.6, 0.4, 0.3, 0.2] + [0.15] * 6
    assert (losses["objective"], losses["goal"], losses["accepted"]) == ("val_loss", "Minimize", ["good fit"])
    assert errors["curves"]["train-error"] == [0.3, 0.15, 0.1, 0.07] + [0.05] * 6
    assert (errors["objective"], errors["goal"], errors["accepted"]) == ("validation-error", "Minimize", ["good fit"])
    assert losses["sound"]
    assert errors["clear"]


def test_scatter_is_about_the_trend_of_the_printed_validation_score() -> None:
    metric = [0.5 + 0.03 * i for i in range(15)]
    smooth, rough = (
        list(cases(record(curves=record()["curves"] | {"validation": ([0.5] * 15, values)})))[1]["truth"]["scatter"]
        for values in (metric, [value + 0.05 * (-1) ** i for i, value in enumerate(metric)])
    )
    assert smooth == pytest.approx(0, abs=1e-6)
    assert 0.04 < rough < 0.07


def test_where_the_validation_rows_say_the_contrary_both_are_accepted_and_nothing_is_clear() -> None:
    fine = record()["curves"]["train"]
    bad = (fine[0], [0.6] * 15)
    errors = list(cases(record(curves={"train": fine, "fresh": fine, "validation": bad})))[1]
    assert errors["misled"]
    assert errors["accepted"] == ["good fit", "overfit"]
    assert not errors["clear"]
    assert not errors["sound"]


def test_where_the_other_form_says_the_contrary_both_are_accepted() -> None:
    loss, metric = record()["printed"]
    rising = ([0.6, 0.4, 0.3, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.6, *[0.6] * 5], metric)
    losses, errors = cases(record(curves={"train": (loss, metric), "fresh": rising, "validation": rising}))
    assert losses["accepted"] == errors["accepted"] == ["good fit", "overfit"]
    assert losses["disputed"]
    assert not losses["clear"]


def test_what_is_printed_of_training_under_dropout_is_a_reading_too() -> None:
    loss = record()["printed"][0]
    plain = {"train": (loss, [0.93] * 15), "fresh": ([0.5] * 15, [0.8] * 15), "validation": ([0.5] * 15, [0.8] * 15)}
    assert list(cases(record(curves=plain)))[1]["accepted"] == ["overfit"]
    under_dropout = list(cases(record(curves=plain, printed=(loss, [0.81] * 15))))[1]
    assert under_dropout["accepted"] == ["good fit", "overfit", "underfit"]
    assert not under_dropout["clear"]
    assert not under_dropout["sound"]


def test_still_improving_is_accepted_where_the_printed_validation_score_rises() -> None:
    rising = {
        **record()["curves"],
        "validation": ([0.15] * 15, [0.9, 0.9, 0.9, 0.9, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95, *[0.95] * 5]),
    }
    case = list(cases(record(curves=rising)))[1]
    assert case["accepted"] == ["good fit", "still improving"]
    assert case["sound"]
    assert not case["clear"]


def test_losses_without_bounds_have_failed() -> None:
    loss = [0.6, 5.0, 1e40, 1e160, 1e300, *[math.nan] * 10]
    losses = next(
        iter(
            cases(record(curves=dict.fromkeys(("train", "validation", "fresh"), (loss, [0.5] * 15)), printed=(loss, [0.5] * 15)))
        )
    )
    assert losses["accepted"] == ["diverged", "rate too high"]
    assert losses["clear"]
