"""Whether a model is better than the promoted one: by more than the noise of both."""

from dataclasses import replace

import pytest

from sm_tuning.analysis.fit import Verdict
from sm_tuning.analysis.promotion import Candidate, candidate_of, judge
from sm_tuning.client.registry import Version
from tests.unit.sm_tuning.made_results import made

CANDIDATE = Candidate(
    tuning_job="job",
    training_job="job-1",
    metric="validation:accuracy",
    higher_is_better=True,
    value=0.93,
    noise=0.03,
    verdict=Verdict.GOOD,
)


def version(value: str | None, noise: str | None = None) -> Version:
    facts = {"validation:accuracy": value, "Noise": noise}
    return Version(
        arn="arn", number=7, approval="Approved", facts={name: text for name, text in facts.items() if text is not None}
    )


@pytest.mark.parametrize(
    ("value", "noise", "promote"),
    [
        ("0.881", "0.04", False),  # 0.05 is just what both may come to
        ("0.879", "0.04", True),
        ("0.92", None, False),
        ("0.89", None, True),
        ("0.93", "0", False),
        ("0.94", None, False),
    ],
)
def test_it_must_be_better_by_more_than_the_noise_of_both(value: str, noise: str | None, promote: bool) -> None:  # noqa: FBT001 - pytest's
    judged = judge(CANDIDATE, version(value, noise))
    assert judged.promote is promote, judged.reason
    assert value in judged.reason


def test_a_loss_is_better_when_it_is_less() -> None:
    loss = replace(CANDIDATE, higher_is_better=False)
    assert judge(loss, version("0.99")).promote
    assert not judge(loss, version("0.90")).promote


def test_one_can_say_how_much_better() -> None:
    assert judge(CANDIDATE, version("0.92"), min_gain=0.005).promote
    assert "0.02 is asked for" in judge(CANDIDATE, version("0.92"), min_gain=0.02).reason
    assert not judge(CANDIDATE, version("0.93"), min_gain=0.0).promote


def test_what_cannot_be_compared() -> None:
    assert judge(CANDIDATE, None).promote
    for value in (None, "nan", "good"):
        judged = judge(CANDIDATE, version(value))
        assert (judged.promote, judged.gain) == (False, None)
        assert "version 7 does not tell its validation:accuracy" in judged.reason
    unknown = judge(replace(CANDIDATE, noise=None), version("0.92"))
    assert unknown.promote
    assert "how noisy they are does not show" in unknown.reason
    half = judge(CANDIDATE, version("0.89"))
    assert "0.03 is what noise may come to of one of them, and that of the other does not show: " in half.reason
    assert "0.05 is what noise may come to: " in judge(CANDIDATE, version("0.879", "0.04")).reason


def test_the_candidate_is_the_best_training_job() -> None:
    results = made(20)
    candidate = candidate_of(results, Verdict.OVERFIT)
    assert candidate is not None
    assert results.best is not None
    assert (candidate.training_job, candidate.value) == (results.best.name, results.best.objective)
    assert candidate.facts["TuningJobName"] == "made"
    assert candidate.facts["Verdict"] == "overfit"
    assert candidate_of(replace(results, trials=[]), Verdict.UNKNOWN) is None
