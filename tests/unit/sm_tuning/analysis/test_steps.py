"""What a script calls that after which it prints the objective."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from sm_tuning import Integer, Objective
from sm_tuning.analysis import diagnose
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.analysis.steps import VALUE, at_step, counted, named_by, printed_with
from sm_tuning.client.description import TuningJobDescription
from sm_tuning.report.view_model import view_model

JOB = TuningJobDescription(name="one", objective=Objective.minimize("validation:loss"))
RISES = (0.5, 0.4, 0.3, 0.3, 0.4, 0.5, 0.6, 0.7)


@pytest.mark.parametrize(
    ("lines", "made", "step"),
    [
        (["epoch=7 validation:loss=0.1", "epoch=8 validation:loss=0.1"], 8, "epoch"),
        (["[6]#011validation-logloss:0.1", "[7]#011validation-logloss:0.1"], 8, "round"),
        (["[2026-11-26 10:00:00.1][7]#011validation-logloss:0.1"], 8, "round"),
        (["Iteration 8: loss 0.1"], 8, "iteration"),
        (["tree 8 loss 0.1"], 8, "tree"),
        (["trees: 80 loss 0.1"], 8, None),  # a value for each tenth
        (["train_loss_epoch=8", "loss 8"], 8, None),
        (["lr after step 0.8", "took 8 s"], 8, None),
        (["step=800 epoch=8 loss=0.1"], 8, "epoch"),
    ],
)
def test_by_the_numbers_in_a_log(lines: Sequence[str], made: int, step: str | None) -> None:
    assert printed_with([(line, True) for line in lines], made) == step


def test_of_lines_that_no_metric_matches_only_where_the_others_say_nothing() -> None:
    keras = [("Epoch 8/8", False), ("9/9 - loss: 0.1 - val_loss: 0.2", True)]
    assert printed_with(keras, 8) == "epoch"
    assert printed_with([("epoch 8", False), ("round 8 loss 0.1", True)], 8) == "round"


@pytest.mark.parametrize(
    ("name", "step"),
    [("epochs", "epoch"), ("num_train_epochs", "epoch"), ("num_round", "round"), ("n_estimators", "tree"), ("max_iter", "iteration"),
     ("max_steps", "step"), ("learning_rate", None)],
)  # fmt: skip
def test_by_the_name_of_a_hyperparameter(name: str, step: str | None) -> None:
    assert named_by(name) == step


def trial(number: int, made: int, **hyperparameters: str) -> TrialResult:
    curves = {"train:loss": [0.5 / (epoch + 1) for epoch in range(made)], "validation:loss": RISES[:made]}
    return TrialResult(
        tuning_job="one",
        name=f"job-{number}",
        status="Completed",
        hyperparameters=hyperparameters,
        reported=RISES[made - 1],
        curves=curves,
    )


def test_a_hyperparameter_names_it_unless_training_jobs_print_another_number_of_values() -> None:
    trees = [trial(0, 8, n_estimators="8"), trial(1, 6, n_estimators="6")]
    assert Results(tuning_jobs=[JOB], trials=trees).step == "tree"
    tenth = [trial(0, 8, n_estimators="80"), trial(1, 6, n_estimators="60")]
    assert Results(tuning_jobs=[JOB], trials=tenth).step == VALUE
    static = replace(JOB, static_hyperparameters={"num_round": '"8"'})
    assert Results(tuning_jobs=[static], trials=[trial(0, 8, eta="0.1")]).step == "round"
    assert Results(tuning_jobs=[JOB], trials=[trial(0, 8, eta="0.1")]).step == VALUE


def test_the_diagnosis_and_what_is_shown_say_it() -> None:
    job = replace(JOB, ranges=[Integer("num_round", 2, 8)])
    results = Results(tuning_jobs=[job], trials=[trial(0, 8, num_round="8")])
    diagnosis = diagnose(results)
    assert "in round 3" in diagnosis.fit.reason
    (stop,) = (advice for advice in diagnosis.advice if advice.kind.value == "stop earlier")
    assert stop.reason.startswith("validation:loss was best in round 3 of 8")
    assert str(stop.cost) == "5 rounds less in a training job"
    assert "epoch" not in str(diagnosis)
    assert view_model(results).made == "rounds trained"


def test_words() -> None:
    assert [counted(1, "tree"), counted(2, VALUE)] == ["1 tree", "2 values"]
    assert [at_step("epoch", 3), at_step(VALUE, 3)] == ["in epoch 3", "at value 3"]
