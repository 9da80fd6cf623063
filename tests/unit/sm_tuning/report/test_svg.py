"""Numbers on axes, and charts as files of their own."""

import math
import sys
from xml.etree import ElementTree as ET

import pytest

from sm_tuning.errors import Invalid, MissingExtra
from sm_tuning.report import figures, png, view_model
from sm_tuning.report.svg import Chart, escape, nice, spread, text
from tests.unit.sm_tuning.made_results import made


def test_a_chart_is_an_image_too(monkeypatch: pytest.MonkeyPatch) -> None:
    svg = figures(view_model(made(30)))["best-so-far"]
    assert "var(" not in svg
    try:
        image = png(svg)
    except Invalid as error:
        pytest.skip(str(error))
    assert image.startswith(b"\x89PNG")
    width, height = (int.from_bytes(image[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == (1280, 600)
    assert png(svg.replace("#c2410c", "#ffffff")) != image  # the line of the best is drawn in its colour
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(MissingExtra, match=r"pip install 'sm-tuning\[results\]'"):
        png(svg)


def test_round_numbers() -> None:
    assert nice(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert nice(0.9, 0.98) == pytest.approx([0.9, 0.92, 0.94, 0.96, 0.98])
    assert nice(5, 5) == [5]
    assert [text(value) for value in (0, 0.05, 12345, 1e-6, 2e7)] == ["0", "0.05", "1.234e+04", "1e-6", "2e7"]


def test_what_is_far_off_does_not_widen_an_axis() -> None:
    low, high = spread([1.0, 1.1, 1.2, 1.3, 1e9, math.nan, math.inf])
    assert 0.9 < low < 1.0
    assert 1.3 < high < 1.5
    assert spread([]) == (0.0, 1.0)


def test_a_line_is_broken_where_there_is_no_number() -> None:
    chart = Chart.made("a chart", (0, 4), (0, 1), ("x", "y"))
    chart.line([(0, 0.1), (1, 0.2), (2, math.nan), (3, 0.3), (4, 0.4)], "one")
    assert len([mark for mark in chart.marks if mark.startswith("<polyline")]) == 2
    ET.fromstring(chart.svg())  # noqa: S314 - made here


def test_text_of_others_is_escaped() -> None:
    assert escape("<b>\u202e&") == "&lt;b&gt;#u202e&amp;"
