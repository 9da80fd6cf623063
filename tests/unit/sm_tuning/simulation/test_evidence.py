import math
from dataclasses import replace

import pytest

from local_emulator.domain.history import Goal
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.errors import Invalid
from sm_tuning.simulation.evidence import evidence_of
from sm_tuning.simulation.replay import Replays
from tests.unit.sm_tuning.made_examples import METRIC, examples, tuning_job, without_curves


def changed(results: Results, count: int, **members: object) -> Results:
    """The results with other members of the first training jobs."""
    trials = [replace(trial, **members) if at < count else trial for at, trial in enumerate(results.trials)]  # type: ignore[arg-type]
    return replace(results, trials=trials)


def test_points_are_written_as_the_space_has_them() -> None:
    evidence = evidence_of(examples(12))
    assert len(evidence.examples) == 12
    assert evidence.has_curves
    assert evidence.epochs == 9
    point = evidence.examples[0].point
    assert set(point) == {"learning_rate", "dropout", "kind"}
    assert point["kind"] in {"a", "b"}  # without AWS's quotes
    assert evidence.examples[0].pending == 60.0


@pytest.mark.parametrize(
    ("results", "words"),
    [
        (examples(7), "made has 7 finished training jobs with an objective; a simulation needs 10"),
        (changed(examples(12), 12, status="Failed"), r"no training job of made has an objective \(12 failed\)"),
        (
            changed(examples(12), 4, hyperparameters={"learning_rate": "2", "dropout": "0.1", "kind": "a"}),
            "made has 8 finished training jobs with an objective and 4 with other hyperparameters or outside",
        ),
        (
            changed(examples(12), 9, reported=None, curves={}),
            r"made has 3 finished training jobs with an objective \(9 ended without one\); a simulation needs 10",
        ),
        (
            changed(examples(12), 12, reported=math.nan, curves={}),
            r"no training job of made has an objective \(12 ended without one\)",
        ),
        (
            changed(examples(12), 12, status="InProgress", ended=None),
            r"no training job of made has an objective \(none has ended\)",
        ),
        (replace(examples(12), tuning_jobs=[tuning_job(12, ranges={})]), "made has no ranges"),
    ],
)
def test_too_little_is_refused_in_a_sentence(results: Results, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        evidence_of(results)


def test_what_used_up_max_resource_ran_to_its_end() -> None:
    results = examples(12)
    config = {"Strategy": "Hyperband", "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}}
    request = results.tuning_jobs[0].request
    request = {**request, "HyperParameterTuningJobConfig": {**request["HyperParameterTuningJobConfig"], **config}}
    job = replace(results.tuning_jobs[0], strategy="Hyperband", request=request)
    short = replace(results.trials[0], status="Stopped", curves={METRIC: results.trials[0].curves[METRIC][:3]})
    trials = [short, *(replace(trial, status="Stopped") for trial in results.trials[1:])]
    evidence = evidence_of(Results(tuning_jobs=[job], trials=trials))
    assert [example.complete for example in evidence.examples] == [False, *[True] * 11]


def test_what_was_stopped_after_one_value_is_no_less_an_example() -> None:
    """They were stopped for being the worst: without them the others look like all there is."""
    results = examples(14)
    first, *others = results.trials
    cut = replace(first, status="Stopped", curves={METRIC: first.curves[METRIC][:1]}, reported=first.curves[METRIC][0])
    evidence = evidence_of(replace(results, trials=[cut, *others]))
    assert (len(evidence.examples), evidence.without_curve, len(evidence.examples[0].curve)) == (14, 0, 1)


def test_several_definitions_are_refused() -> None:
    results = examples(12)
    job = results.tuning_jobs[0]
    request = {**job.request, "TrainingJobDefinitions": [{}, {}]}
    with pytest.raises(Invalid, match="made has several definitions"):
        evidence_of(replace(results, tuning_jobs=[replace(job, request=request)]))


def test_without_curves_the_reported_objective_counts() -> None:
    evidence = evidence_of(without_curves(examples(12)))
    assert not evidence.has_curves
    assert [example.curve for example in evidence.examples] == [(example.final,) for example in evidence.examples]


def test_what_is_left_out_is_said() -> None:
    results = changed(examples(20), 3, reported=None)
    short = [
        replace(trial, curves={METRIC: trial.curves[METRIC][:1]}) if at < 7 else trial for at, trial in enumerate(results.trials)
    ]
    far = {"learning_rate": "2", "dropout": "0.1", "kind": "a"}
    evidence = evidence_of(replace(results, trials=[*short[:-1], replace(short[-1], hyperparameters=far)]))
    assert len(evidence.examples) == 12
    assert evidence.left_out == [
        "3 training jobs ended without an objective and were left out",
        "1 training jobs lie outside the ranges of the first tuning job and were left out",
        "4 training jobs have no learning curve, as others do, and were left out",
    ]
    assert set(evidence.left_out) <= set(Replays(evidence).remarks)
    assert evidence_of(examples(12)).left_out == []
    running = evidence_of(changed(examples(14), 2, status="InProgress", ended=None))
    assert (len(running.examples), running.left_out) == (12, ["2 training jobs have not ended and were left out"])


@pytest.mark.parametrize(("without", "refused"), [(4, False), (5, True), (14, True)])
def test_training_jobs_that_end_with_no_number_are_too_little_to_learn_from(without: int, *, refused: bool) -> None:
    results = examples(14)
    trials = [
        replace(trial, curves={METRIC: [*trial.curves[METRIC], math.nan]}) if at < without else trial
        for at, trial in enumerate(results.trials)
    ]
    if refused:
        words = f"made has {14 - without} training jobs whose objective is a number at their end, and {without} where it is none"
        with pytest.raises(Invalid, match=words):
            evidence_of(replace(results, trials=trials))
    else:
        assert len(evidence_of(replace(results, trials=trials)).examples) == 14


def test_means_by_the_minute_are_no_curves() -> None:
    assert not evidence_of(changed(examples(12), 12, coarse=True)).has_curves


def test_static_hyperparameters_of_another_tuning_job_count() -> None:
    results = examples(12)
    other = replace(tuning_job(1), name="other", static_hyperparameters={"kind": "b"})
    own = results.trials[0]
    trial: TrialResult = replace(own, tuning_job="other", hyperparameters={"learning_rate": "0.1", "dropout": "0.5"})
    evidence = evidence_of(replace(results, tuning_jobs=[*results.tuning_jobs, other], trials=[*results.trials, trial]))
    assert evidence.examples[-1].point == {"learning_rate": "0.1", "dropout": "0.5", "kind": "b"}
    assert evidence.name == "made, other"
    assert evidence.examples[-1].curve == tuple(own.curves[METRIC])


@pytest.mark.parametrize(
    ("metric", "goal", "sign", "limit"),
    [
        ("validation:accuracy", Goal.MAXIMIZE, -1.0, 1.0),
        ("validation:loss", Goal.MINIMIZE, 1.0, 0.0),
        ("validation:loss", Goal.MINIMIZE, -1.0, None),  # some are below 0
        ("validation:reward", Goal.MAXIMIZE, 1.0, None),
        ("accuracy", Goal.MINIMIZE, 1.0, None),
    ],
)
def test_the_name_of_the_objective_says_what_is_the_best_that_it_can_be(
    metric: str, goal: Goal, sign: float, limit: float | None
) -> None:
    evidence = evidence_of(examples(12))
    definition = evidence.definition
    named = replace(definition, objective=replace(definition.objective, metric=metric, goal=goal))
    points = [replace(example, curve=tuple(sign * value / 10.0 for value in example.curve)) for example in evidence.examples]
    assert replace(evidence, plan=replace(evidence.plan, definitions=(named,)), examples=points).limit == limit
