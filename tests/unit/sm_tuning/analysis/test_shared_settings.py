"""What training jobs that failed have in common, of made failures whose cause is known, or that have none."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from sm_tuning import Categorical, Continuous, Integer, Objective, Random, Script, TuningJob
from sm_tuning.analysis import Remedy, diagnose
from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.fit import Fit, Verdict
from sm_tuning.analysis.next_round import next_round
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.analysis.shared_settings import SharedSetting, shared_settings
from sm_tuning.client.description import TuningJobDescription
from sm_tuning.spec.parameters import Range

JOB = TuningJobDescription(name="one", objective=Objective.minimize("loss"))
Why = Callable[[Mapping[str, str]], str | None]
MEMORY = "AlgorithmError: MemoryError: out of memory, 512 MiB asked for"


def made(count: int, why: Why, seed: int = 1) -> Results:
    """Random training jobs that fail for the reason that is given for their hyperparameters."""
    chance = random.Random(seed)
    trials = []
    for number in range(count):
        point = {"rate": repr(chance.random()), "max_depth": str(3 + number % 5), "batch": f'"{chance.choice([64, 128, 256])}"'}
        reason = why(point)
        trials.append(
            TrialResult(
                tuning_job="one",
                name=f"job-{number:02d}",
                status="Completed" if reason is None else "Failed",
                hyperparameters=point,
                reported=None if reason is not None else chance.random(),
                failure_reason=reason,
            )
        )
    return Results(tuning_jobs=[JOB], trials=trials)


def shared(results: Results) -> list[SharedSetting]:
    return shared_settings(results, {trial.name: Fit(verdict=Verdict.UNKNOWN, reason="") for trial in results.trials})


def at_depth_7(point: Mapping[str, str]) -> str | None:
    return MEMORY if point["max_depth"] == "7" else None


def test_a_value_that_all_failures_have_and_no_other_training_job() -> None:
    (known,) = shared(made(16, at_depth_7))
    assert known.sentence == "all 3 training jobs that failed have max_depth 7, and of the 13 others none has it"
    assert (known.hyperparameters, known.otherwise) == (["max_depth"], "leave 7 of max_depth out")


def test_an_end_of_a_range() -> None:
    results = made(30, lambda point: MEMORY if float(point["rate"]) > 0.8 else None)
    (known,) = shared(results)
    failed = [float(trial.hyperparameters["rate"]) for trial in results.trials if trial.status == "Failed"]
    of = f"rate of {min(failed):.4g} or more, and of the {30 - len(failed)} others none has it"
    assert known.sentence == f"all {len(failed)} training jobs that failed have {of}"
    assert known.otherwise == f"end the range of rate below {min(failed):.4g}"
    assert known.confidence is Confidence.HIGH


def test_a_value_that_few_others_have() -> None:
    results = made(40, at_depth_7)
    first = next(trial for trial in results.trials if trial.status == "Failed")
    lucky = [
        replace(trial, status="Completed", reported=0.5, failure_reason=None) if trial is first else trial
        for trial in results.trials
    ]
    (known,) = shared(replace(results, trials=lucky))
    assert known.sentence.endswith("have max_depth 7, and of the 33 others 1 has it")


def test_a_reason_by_itself_beside_others() -> None:
    chance = random.Random(1)
    results = made(40, lambda point: at_depth_7(point) or ("KeyError: 'x'" if chance.random() < 0.1 else None))
    (known,) = shared(results)
    assert known.sentence.startswith(
        "all 8 that failed with 'AlgorithmError: MemoryError: out of memory, 512 MiB asked for' have max_depth 7"
    )


@pytest.mark.parametrize("seed", range(3))
def test_failures_by_chance_have_nothing_in_common_in_nineteen_of_twenty(seed: int) -> None:
    chance = random.Random(seed)
    alarms = sum(bool(shared(made(16, lambda _: "KeyError: 'x'" if chance.random() < 0.2 else None, run))) for run in range(100))
    assert alarms <= 5


@pytest.mark.parametrize(
    "results", [made(5, at_depth_7), made(20, lambda _: MEMORY), made(20, lambda _: None), made(0, at_depth_7)]
)
def test_of_a_single_failure_of_nothing_but_failures_and_of_none_nothing_is_said(results: Results) -> None:
    assert shared(results) == []


def test_two_that_cannot_be_told_apart_are_both_named() -> None:
    results = made(30, at_depth_7)
    trials = [
        replace(trial, hyperparameters={**trial.hyperparameters, "width": "9" if trial.status == "Failed" else "2"})
        for trial in results.trials
    ]
    (known,) = shared(replace(results, trials=trials))
    assert known.hyperparameters == ["max_depth", "width"]
    assert "have max_depth 7 and width 9, and of the 24 others none has it; which of them it is does not show" in known.sentence


def test_the_plan_says_what_to_do() -> None:
    diagnosis = diagnose(made(30, at_depth_7))
    assert [each.hyperparameters for each in diagnosis.shared_by_failed] == [["max_depth"]]
    (advice,) = (advice for advice in diagnosis.advice if advice.kind is Remedy.MEND_SCRIPT)
    assert advice.remedy == "mend what fails, or leave 7 of max_depth out"
    assert diagnosis.shared_by_failed[0].sentence in " ".join(repr(diagnosis).split())


# --- what the next round has without it ---------------------------------------------------------------------------------------


def in_ranges(results: Results, *ranges: Range) -> Results:
    return replace(results, tuning_jobs=[replace(JOB, ranges=list(ranges))])


def settings(results: Results, name: str, *, failed: bool) -> list[float]:
    return [float(trial.hyperparameters[name]) for trial in results.trials if (trial.status == "Failed") is failed]


@pytest.mark.parametrize("upper", [True, False])
def test_a_range_ends_where_training_jobs_were_seen_not_to_fail(*, upper: bool) -> None:
    """The next round had the same range, and so the same failures."""
    results = made(30, lambda point: MEMORY if (float(point["rate"]) > 0.8 if upper else float(point["rate"]) < 0.2) else None)
    (known,) = shared(in_ranges(results, Continuous("rate", 0.0, 1.0)))
    sound = settings(results, "rate", failed=False)
    assert (known.ranges, known.values) == ({"rate": (0.0, max(sound)) if upper else (min(sound), 1.0)}, {})


def test_a_value_at_an_end_of_whole_numbers() -> None:
    (known,) = shared(in_ranges(made(16, at_depth_7), Integer("max_depth", 3, 12)))
    assert known.ranges == {"max_depth": (3, 6)}  # what is above was not tried


def test_a_value_inside_of_a_range_leaves_it() -> None:
    (known,) = shared(
        in_ranges(made(16, lambda point: MEMORY if point["max_depth"] == "5" else None), Integer("max_depth", 3, 7))
    )
    assert (known.ranges, known.values) == ({}, {})


@pytest.mark.parametrize(
    ("bad", "values", "kept"),
    [
        (("7",), [3, 4, 5, 6, 7, 8], ["3", "4", "5", "6"]),
        (("6", "7"), [3, 4, 5, 6, 7], ["3", "4", "5"]),
        (("5",), [3, 4, 5, 6, 7], ["3", "4", "6", "7"]),
        (("3",), [2, 3, 4, 5, 6, 7], ["4", "5", "6", "7"]),
    ],
)
def test_categories_that_always_fail_are_left_out(bad: tuple[str, ...], values: list[int], kept: list[str]) -> None:
    results = made(40, lambda point: MEMORY if point["max_depth"] in bad else None)
    (known,) = shared(in_ranges(results, Categorical("max_depth", values)))
    assert (known.ranges, known.values) == ({}, {"max_depth": kept})


def test_a_category_in_no_order() -> None:
    results = made(40, lambda point: MEMORY if point["batch"] == '"128"' else None)
    named = [
        replace(trial, hyperparameters={**trial.hyperparameters, "batch": trial.hyperparameters["batch"].replace("128", "adam")})
        for trial in results.trials
    ]
    (known,) = shared(in_ranges(replace(results, trials=named), Categorical("batch", ["64", "adam", "256"])))
    assert known.values == {"batch": ["64", "256"]}


def test_what_the_best_training_job_has_stays() -> None:
    results = made(40, at_depth_7)
    first = next(trial for trial in results.trials if trial.status == "Failed")
    trials = [
        replace(trial, status="Completed", reported=-1.0, failure_reason=None) if trial is first else trial
        for trial in results.trials
    ]
    (known,) = shared(in_ranges(replace(results, trials=trials), Integer("max_depth", 3, 7)))
    assert known.sentence.endswith("1 has it")
    assert known.ranges == {}


def test_where_it_does_not_show_which_it_is_no_range_ends() -> None:
    results = made(30, at_depth_7)
    trials = [
        replace(trial, hyperparameters={**trial.hyperparameters, "width": "9" if trial.status == "Failed" else "2"})
        for trial in results.trials
    ]
    ranges = (Integer("max_depth", 3, 7), Integer("width", 1, 9))
    (known,) = shared(in_ranges(replace(results, trials=trials), *ranges))
    assert (len(known.hyperparameters), known.ranges) == (2, {})


def test_the_next_round_ends_below_what_always_fails_and_says_why() -> None:
    results = in_ranges(made(30, at_depth_7), Integer("max_depth", 3, 7), Continuous("rate", 0.0, 1.0))
    job = TuningJob(
        name="one",
        script=Script("train.py"),
        objective=Objective.minimize("loss", "loss=(.*)"),
        ranges=results.tuning_jobs[0].ranges,
        strategy=Random(seed=1),
        max_jobs=30,
    )
    following = next_round(diagnose(results), job)
    assert list(following.job.definition.ranges) == [Integer("max_depth", 3, 6), Continuous("rate", 0.0, 1.0)]
    assert following.comments["ranges.max_depth"] == [
        "was 3 to 7",
        f"mend what fails, or leave 7 of max_depth out: {shared(results)[0].sentence}",
    ]
