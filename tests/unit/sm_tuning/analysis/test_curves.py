"""Curves in a log."""

import math
import re

from sm_tuning.analysis.curves import curves_of


def test_values_come_in_the_order_of_the_lines() -> None:
    lines = ["loss=0.5 acc=0.1", "nothing", "loss=0.25 loss=0.125", "acc=1e-1"]
    expressions = {"loss": re.compile(r"loss=([0-9.]+)"), "acc": re.compile(r"acc=(\S+)"), "silent": re.compile("none=(.*)")}
    assert curves_of(lines, expressions) == {"loss": (0.5, 0.25, 0.125), "acc": (0.1, 0.1)}


def test_without_a_group_the_match_is_the_value() -> None:
    assert curves_of(["0.5"], {"loss": re.compile(r"^[0-9.]+$")}) == {"loss": (0.5,)}


def test_what_is_not_finite_is_kept_and_what_is_no_number_left_out() -> None:
    (values,) = curves_of(["loss=nan", "loss=inf", "loss=many", "loss="], {"loss": re.compile("loss=(.*)")}).values()
    assert len(values) == 2
    assert math.isnan(values[0])
    assert math.isinf(values[1])
