import math
from dataclasses import replace

import pytest

from sm_tuning.errors import Invalid
from sm_tuning.simulation.evidence import evidence_of
from sm_tuning.simulation.replay import Replays
from tests.unit.sm_tuning.made_examples import METRIC, examples


def test_a_point_stands_for_the_nearest_that_was_trained() -> None:
    evidence = evidence_of(examples(12))
    replays = Replays(evidence)
    for example in evidence.examples:
        near = {**example.point, "dropout": repr(min(float(example.point["dropout"]) + 1e-6, 0.9))}
        training = replays.world(0).train(near, 1)
        assert training.curve == example.curve
        assert training.seconds(len(training.curve)) == pytest.approx(example.seconds)
    assert replays.count == 12


def test_values_that_are_no_numbers_do_not_count_as_for_the_service() -> None:
    results = examples(12)
    first, *others = results.trials
    curve = [*first.curves[METRIC][:4], math.nan, math.inf]
    replays = Replays(evidence_of(replace(results, trials=[replace(first, curves={METRIC: curve}), *others])))
    point = evidence_of(results).examples[0].point
    training = replays.world(0).train(point, 1)
    assert training.curve == tuple(curve[:4])
    assert training.seconds(4) == pytest.approx(first.seconds)


def test_training_jobs_that_no_point_stands_for_are_said() -> None:
    results = examples(14)
    first, second, *others = results.trials
    trials = [
        replace(first, status="Stopped", curves={METRIC: first.curves[METRIC][:4]}),
        replace(second, status="Failed"),
        *others,
    ]
    replays = Replays(evidence_of(replace(results, trials=trials)))
    assert replays.remarks[1:] == [
        "1 training jobs were stopped, or nobody knows how long they took: no point stands for them",
        "1 training jobs failed: in the replay none does",
    ]


def test_training_jobs_that_were_stopped_are_not_replayed() -> None:
    results = examples(12)
    stopped = replace(results, trials=[replace(trial, status="Stopped") for trial in results.trials])
    with pytest.raises(Invalid, match="no training job of made ran to its end"):
        Replays(evidence_of(stopped))
