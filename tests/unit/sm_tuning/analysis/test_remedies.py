"""What the verdict on the best training job asks for, before anything speaks against it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sm_tuning.analysis import Confidence, Fit, Remedy, Verdict
from sm_tuning.analysis.advice import Advice
from sm_tuning.analysis.effects import Edge
from sm_tuning.analysis.equal_epochs import Comparison, compared
from sm_tuning.analysis.evidence import Evidence
from sm_tuning.analysis.fit import Cause, Remark
from sm_tuning.analysis.plan import advised
from sm_tuning.analysis.remedies import about_causes, about_fit
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.description import TuningJobDescription
from sm_tuning.spec.metrics import Objective
from sm_tuning.spec.parameters import Continuous, Integer, Range, Scaling

RANGES: Mapping[str, Range] = {
    "learning_rate": Continuous("learning_rate", 1e-4, 1, Scaling.LOGARITHMIC),
    "epochs": Integer("epochs", 5, 50, Scaling.LINEAR),
    "weight_decay": Continuous("weight_decay", 1e-6, 1e-1, Scaling.LOGARITHMIC),
    "max_depth": Integer("max_depth", 2, 12, Scaling.LINEAR),
    "min_child_weight": Integer("min_child_weight", 1, 10, Scaling.LINEAR),
    "subsample": Continuous("subsample", 0.5, 1, Scaling.LINEAR),
}


def proposed(
    verdict: Verdict,
    settings: Mapping[str, str],
    curve: list[float] | None = None,
    static: Mapping[str, str] | None = None,
    **facts: Any,
) -> list[Advice]:
    """What a tuning job with a single training job is advised."""
    held_out = curve or [1.0, 0.5, 0.6]
    trial = TrialResult(
        tuning_job="t",
        name="t-1",
        status="Completed",
        hyperparameters=settings,
        reported=0.5,
        curves={"validation:loss": held_out},
    )
    ranges = [parameter for name, parameter in RANGES.items() if name in settings]
    objective = Objective.minimize("validation:loss")
    job = TuningJobDescription(name="t", objective=objective, ranges=ranges, static_hyperparameters=static or {})
    fit = Fit(
        verdict=verdict,
        reason="why",
        epochs=len(held_out),
        validation="validation:loss",
        train="train:loss",
        step="epoch",
        **facts,
    )
    results, fits = Results(tuning_jobs=[job], trials=[trial]), {"t-1": fit}
    known = Evidence(results=results, fit=fit, fits=fits, comparison=compared(results, fits), effects={})
    return list(about_fit(known))


def kinds(plan: list[Advice]) -> list[Remedy]:
    return [advice.kind for advice in plan]


def test_overfit_in_the_order_of_the_course() -> None:
    tuned = {"epochs": "30", "weight_decay": "0.001", "max_depth": "9"}
    plan = proposed(Verdict.OVERFIT, tuned, [1, 0.6, 0.5, 0.49, 0.495, 0.55, 0.6], best_epoch=4, train_last=0.1, validation_last=0.6,
                    validation_best=0.49, confidence=Confidence.HIGH)  # fmt: skip
    assert kinds(plan) == [Remedy.MORE_DATA, Remedy.STOP_EARLIER, Remedy.MORE_REGULARIZATION, Remedy.SMALLER_MODEL]
    data, stop, penalty, smaller = plan
    assert data.reason == (
        "train:loss ends at 0.1, validation:loss at 0.6; `sm-tuning run FILE --data-scaling` measures what more would bring: "
        "the script must take the share as the hyperparameter train_fraction, or what [data_scaling] names"
    )
    assert stop.reason == ("validation:loss was best in epoch 4 of 7 (0.49), epochs 3 to 5 are about as good; it ends at 0.6")
    assert (stop.confidence, stop.cost.epochs) == (Confidence.HIGH, -3)
    assert stop.ranges == {"epochs": (5.0, 33.0)}  # 5 of 7 epochs of 30, and half as much again
    assert (penalty.hyperparameter, penalty.toward, penalty.confidence) == ("weight_decay", Edge.HIGH, Confidence.LOW)
    assert (smaller.hyperparameter, smaller.toward, smaller.ranges) == ("max_depth", Edge.LOW, {"max_depth": (1.0, 9.0)})


def test_stopping_earlier_is_not_argued_for_with_a_last_value_that_jumped() -> None:
    curve = [1, 0.6, 0.5, 0.45, 0.45, 0.5, 0.55, 0.6, 0.65, 0.3]
    plan = proposed(Verdict.OVERFIT, {}, curve, best_epoch=4, validation_last=0.3, validation_best=0.45)
    (stop,) = (advice for advice in plan if advice.kind is Remedy.STOP_EARLIER)
    assert stop.reason.startswith("validation:loss was best in epoch 4 of 10 (about 0.45)")
    assert "it ends at about 0.6" in stop.reason  # 0.6 and 0.65 before the jump


def test_a_smaller_model_only_where_its_size_is_tuned() -> None:
    assert Remedy.SMALLER_MODEL not in kinds(proposed(Verdict.OVERFIT, {"learning_rate": "0.1"}))
    (penalty,) = (advice for advice in proposed(Verdict.OVERFIT, {}) if advice.kind is Remedy.MORE_REGULARIZATION)
    assert penalty.hyperparameter is None
    assert "no hyperparameter of that kind is tuned" in penalty.reason


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"max_depth": "9"}, []),  # the advice of a smaller model says it
        ({"max_depth": "9", "min_child_weight": "3"}, [("min_child_weight", Edge.HIGH, "min_child_weight is 3")]),
        ({"max_depth": "9", "subsample": "0.9"}, [("subsample", Edge.LOW, "subsample is 0.9")]),
    ],
)
def test_trees_are_regularized_by_their_own_hyperparameters(
    settings: Mapping[str, str], expected: list[tuple[str, Edge, str]]
) -> None:
    plan = proposed(Verdict.OVERFIT, settings)
    penalties = [advice for advice in plan if advice.kind is Remedy.MORE_REGULARIZATION]
    assert Remedy.SMALLER_MODEL in kinds(plan)
    assert [(advice.hyperparameter, advice.toward, advice.reason) for advice in penalties] == [
        (name, toward, f"{today} in the best training job") for name, toward, today in expected
    ]


def test_the_best_epoch_at_the_end_is_no_reason_to_stop() -> None:
    assert Remedy.STOP_EARLIER not in kinds(proposed(Verdict.OVERFIT, {}, [1.0, 0.8, 0.7], best_epoch=3))


@pytest.mark.parametrize(
    ("settings", "facts", "expected"),
    [
        ({}, {"gained": 0.3}, [Remedy.MORE_EPOCHS, Remedy.LARGER_MODEL]),
        ({"learning_rate": "0.001"}, {"gained": 0.3}, [Remedy.MORE_EPOCHS, Remedy.HIGHER_RATE, Remedy.LARGER_MODEL]),
        ({"learning_rate": "0.9"}, {"gained": 0.3}, [Remedy.MORE_EPOCHS, Remedy.LOWER_RATE, Remedy.LARGER_MODEL]),
        ({"weight_decay": "0.1"}, {"gained": 0.3}, [Remedy.MORE_EPOCHS, Remedy.LARGER_MODEL, Remedy.LESS_REGULARIZATION]),
        ({}, {"gained": 0.001}, [Remedy.MORE_EPOCHS, Remedy.HIGHER_RATE, Remedy.LARGER_MODEL]),
    ],
)
def test_underfit(settings: Mapping[str, str], facts: Mapping[str, Any], expected: list[Remedy]) -> None:
    assert kinds(proposed(Verdict.UNDERFIT, settings, **facts)) == expected


def test_less_regularization_only_where_there_is_any() -> None:
    def asked(settings: Mapping[str, str], static: Mapping[str, str]) -> list[str]:
        plan = proposed(Verdict.UNDERFIT, settings, static=static, gained=0.3)
        return [advice.reason for advice in plan if advice.kind is Remedy.LESS_REGULARIZATION]

    assert asked({}, {"dropout": "0.5"}) == ["dropout is 0.5"]
    assert asked({}, {"dropout": '"0.0"', "l2": "0"}) == []
    assert asked({}, {"penalty": '"l2"', "lora_alpha": "16"}) == []  # a kind, and a scale
    assert asked({"weight_decay": "0"}, {}) == []
    assert asked({"weight_decay": "0"}, {"dropout": "0.5"}) == ["dropout is 0.5"]


def test_a_lower_rate_is_not_asked_for_because_steps_were_too_few() -> None:
    reasons = {advice.kind: advice.reason for advice in proposed(Verdict.UNDERFIT, {"learning_rate": "0.9"}, gained=0.3)}
    assert reasons[Remedy.LOWER_RATE] == "why; learning_rate is 0.9 in the best training job: the steps are too large"
    reasons = {advice.kind: advice.reason for advice in proposed(Verdict.UNDERFIT, {"learning_rate": "0.001"}, gained=0.3)}
    assert reasons[Remedy.HIGHER_RATE].startswith("3 epochs of such steps were too few")


def test_still_improving_asks_for_epochs_or_where_it_falls_evenly_for_a_higher_rate() -> None:
    curve = [float(20 - epoch) for epoch in range(12)]
    assert kinds(proposed(Verdict.IMPROVING, {}, curve, late=0.25)) == [Remedy.HIGHER_RATE, Remedy.MORE_EPOCHS]
    more, faster = proposed(Verdict.IMPROVING, {"learning_rate": "0.01"}, curve, late=0.06)
    assert (more.kind, more.cost.epochs) == (Remedy.MORE_EPOCHS, 12)
    assert (
        "6% of its gain came in the last quarter of the epochs; learning_rate is 0.01 in the best training job" in faster.reason
    )


def test_noisy_unknown_and_dead() -> None:
    assert kinds(proposed(Verdict.NOISY, {})) == [Remedy.LARGER_BATCH, Remedy.LOWER_RATE, Remedy.MORE_VALIDATION_DATA]
    assert kinds(proposed(Verdict.UNKNOWN, {})) == [Remedy.MORE_EPOCHS]
    for verdict in (Verdict.DIVERGED, Verdict.RATE_TOO_HIGH):
        (lower,) = proposed(verdict, {"learning_rate": "0.5"})
        assert lower.kind is Remedy.LOWER_RATE
        assert lower.ranges["learning_rate"] == pytest.approx((1e-5, 0.5))


def test_a_good_fit_is_tried_again_and_tested() -> None:
    plan = proposed(Verdict.GOOD, {})
    assert kinds(plan) == [Remedy.ANOTHER_SEED, Remedy.TEST_SET]
    assert "validation:loss 0.5" in plan[0].reason
    assert [advice.cost.training_jobs for advice in plan] == [2, 0]
    how = '; in the job file `strategy = "Grid"`, `ranges = {{ {} }}` and its other values as `hyperparameters`'
    assert plan[0].reason.endswith(how.format("seed = [1, 2]") + "; a script that does not take seed yet must")
    for settings, static in (({}, {"random_state": "7"}), ({"random_state": "7"}, {"random_state": "1"})):
        assert proposed(Verdict.GOOD, settings, static=static)[0].reason.endswith(how.format("random_state = [8, 9]"))


@pytest.mark.parametrize(
    ("cause", "kind", "first"),
    [
        (Cause.LEAK, Remedy.CHECK_SPLIT, True),
        (Cause.FAILED, Remedy.MEND_SCRIPT, True),
        (Cause.LABEL_NOISE, Remedy.CHECK_LABELS, False),
        (Cause.RARE_CLASS, Remedy.WEIGH_CLASSES, False),
        (Cause.FEW_VALIDATION_ROWS, Remedy.MORE_VALIDATION_DATA, False),
    ],
)
def test_causes_have_remedies_and_what_voids_the_metrics_comes_first(cause: Cause, kind: Remedy, *, first: bool) -> None:
    fit = Fit(verdict=Verdict.GOOD, reason="", remarks=[Remark(cause, "what was seen"), Remark(Cause.CHANCE_LEVEL, "")])
    results = Results(tuning_jobs=[TuningJobDescription(name="t", objective=Objective.minimize("l"))], trials=[])
    known = Evidence(results=results, fit=fit, fits={}, comparison=Comparison(), effects={})
    assert [(advice.kind, advice.reason) for advice in about_causes(known, first=first)] == [(kind, "what was seen")]
    assert not list(about_causes(known, first=not first))
    assert kind in [advice.kind for advice in advised(known)]


def test_every_verdict_has_its_remedies() -> None:
    assert all(proposed(verdict, {}, best_epoch=2) for verdict in Verdict)


def test_without_an_objective_a_good_fit_says_nothing() -> None:
    ended = TrialResult(tuning_job="t", name="t-1", status="Completed", hyperparameters={}, ended=datetime.now(UTC))
    results = Results(tuning_jobs=[TuningJobDescription(name="t", objective=Objective.minimize("l"))], trials=[ended])
    fit = Fit(verdict=Verdict.GOOD, reason="")
    assert list(about_fit(Evidence(results=results, fit=fit, fits={}, comparison=Comparison(), effects={}))) == []
    assert list(
        about_fit(
            Evidence(results=results, fit=replace(fit, verdict=Verdict.UNKNOWN), fits={}, comparison=Comparison(), effects={})
        )
    )
