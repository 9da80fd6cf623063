import random
from dataclasses import replace

import pytest

from sm_tuning.errors import Invalid
from sm_tuning.simulation.evidence import evidence_of
from sm_tuning.simulation.model import Model
from tests.unit.sm_tuning.made_examples import METRIC, examples, without_curves

GOOD = {"learning_rate": "0.01", "dropout": "0.3", "kind": "b"}
BAD = {"learning_rate": "0.9", "dropout": "0.8", "kind": "a"}


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(evidence_of(examples(20)))


def test_good_hyperparameters_are_better_in_every_world(model: Model) -> None:
    for seed in range(10):
        world = model.world(seed)
        good, bad = world.train(GOOD, 1), world.train(BAD, 2)
        assert good.curve[-1] < bad.curve[-1]
        assert len(good.curve) == 9
        assert good.pending == 60.0
        assert bad.epoch == pytest.approx(20.0 * 1.8, rel=0.2)


def test_a_world_answers_alike_and_another_one_otherwise(model: Model) -> None:
    assert model.world(3).train(GOOD, 1) == model.world(3).train(GOOD, 1)
    assert model.world(3).train(GOOD, 1) != model.world(4).train(GOOD, 1)
    assert model.world(3).train(GOOD, 1) != model.world(3).train(GOOD, 2)  # the noise of another training


def test_an_objective_that_hyperparameters_do_not_decide_is_refused() -> None:
    rng = random.Random(3)
    with pytest.raises(Invalid, match="the hyperparameters of made do not say what objective a training job has"):
        Model(evidence_of(examples(20, lambda *_: rng.random(), seed=4)))


def test_what_the_model_cannot_know_is_said() -> None:
    results = examples(14)
    trials = [replace(trial, status="Failed", reported=None) if at == 3 else trial for at, trial in enumerate(results.trials)]
    remarks = " ".join(Model(evidence_of(replace(results, trials=trials))).remarks)
    assert "13 training jobs are few" in remarks
    assert "1 training jobs failed" in remarks
    assert "what starting costs is not known" in remarks


def test_where_all_were_stopped_nobody_knows_how_they_end() -> None:
    results = examples(20)
    stopped = [
        replace(trial, status="Stopped", curves={METRIC: trial.curves[METRIC][:3]}, reported=trial.curves[METRIC][2])
        for trial in results.trials
    ]
    remarks = " ".join(Model(evidence_of(replace(results, trials=stopped))).remarks)
    assert "no training job ran to its end: how long one would have gone on is not known, so 3 epochs are assumed" in remarks
    assert "guessed from the others" not in remarks


def test_stopped_training_jobs_and_ends_of_ranges_are_said() -> None:
    results = examples(30)
    trials = [
        replace(trial, status="Stopped", curves={METRIC: trial.curves[METRIC][:3]}, reported=trial.curves[METRIC][2])
        if at % 2
        else trial
        for at, trial in enumerate(results.trials)
        if float(trial.hyperparameters["dropout"]) < 0.6
    ]
    remarks = " ".join(Model(evidence_of(replace(results, trials=trials))).remarks)
    assert "were stopped before their end" in remarks
    assert "no training job lies near the upper end of dropout" in remarks


def test_without_curves_only_the_end_is_known() -> None:
    model = Model(evidence_of(without_curves(examples(20))))
    assert len(model.world(0).train(GOOD, 1).curve) == 1
    assert "no learning curves" in " ".join(model.remarks)
