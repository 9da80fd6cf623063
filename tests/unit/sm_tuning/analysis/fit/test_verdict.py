"""The verdicts and their causes."""

from sm_tuning.analysis import Verdict
from sm_tuning.analysis.fit import Cause, Fit, Remark


def test_which_verdicts_say_that_training_came_to_nothing() -> None:
    assert {verdict for verdict in Verdict if verdict.died} == {Verdict.DIVERGED, Verdict.RATE_TOO_HIGH}


def test_the_causes_are_those_of_the_remarks() -> None:
    remarks = (Remark(Cause.LEAK, "validation is far better"), Remark(Cause.LEAK, "in both metrics"))
    assert Fit(verdict=Verdict.GOOD, reason="it has levelled off", remarks=remarks).causes == {Cause.LEAK}
