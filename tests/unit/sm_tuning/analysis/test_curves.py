"""Curves in what the expressions of metrics have caught."""

import math

from sm_tuning.analysis.curves import curves_of


def test_values_keep_their_order_and_a_metric_without_one_is_left_out() -> None:
    caught = {"loss": ["0.5", "0.25", "1e-1"], "silent": [], "words": ["many", ""]}
    assert curves_of(caught) == {"loss": (0.5, 0.25, 0.1)}


def test_what_is_not_finite_is_kept_and_what_is_no_number_left_out() -> None:
    (values,) = curves_of({"loss": ["nan", "inf", "many", ""]}).values()
    assert len(values) == 2
    assert math.isnan(values[0])
    assert math.isinf(values[1])
