"""Metrics are refused where they are written, if they cannot be right."""

from collections.abc import Callable
from typing import Any

import pytest

from sm_tuning import Metric, Objective
from sm_tuning.spec.metrics import objective_from_request

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "broken regex": (lambda: Metric("m", "("), r"the regex '\(' is no regular expression"),
    "no group": (lambda: Metric("m", r"\d+"), r"has no group"),
    "no match": (lambda: Metric("m", r"a=(\d+)", "b=1"), "does not match the sample 'b=1'"),
    "no number found": (lambda: Metric("m", r"a=(.*);", "a=x;"), "finds 'x' in the sample"),
    "unknown goal": (lambda: Objective(Metric("m", "(.)"), "Max"), "must be 'Maximize' or 'Minimize'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    make, text = REFUSED[name]
    with pytest.raises(ValueError, match=text):
        make()


def test_an_objective_is_read_back_from_the_form_of_aws() -> None:
    assert objective_from_request(Objective.minimize("loss").request()) == Objective.minimize("loss")


def test_metric_values() -> None:
    metric = Metric("loss", r"loss=([^ ]+)")
    assert metric.values("loss=1e-05 loss=-2.5 loss=nan loss=1_0 loss=x") == [1e-05, -2.5]
