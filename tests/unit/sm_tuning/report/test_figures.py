"""Charts as files of their own, drawn without a browser."""

import sys
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from sm_tuning.errors import MissingExtra
from sm_tuning.report import png, specifications, svg, view_model
from tests.unit.sm_tuning.made_results import made


@pytest.fixture(scope="module")
def specs() -> dict[str, dict[str, Any]]:
    return specifications(view_model(made(12)))


def test_they_stand_alone(specs: dict[str, dict[str, Any]]) -> None:
    assert set(specs) >= {"history", "parallel-coordinates", "timeline", "contour", "curves-0"}
    for spec in specs.values():
        assert "var(--" not in str(spec)
    assert len(specs["history"]["datasets"]["trials"]) == 12
    assert set(specs["history"]["datasets"]) == {"trials", "best_so_far"}
    assert len(specs["parallel-coordinates"]["data"][0]["values"]) == 12


@pytest.mark.parametrize("name", ["history", "parallel-coordinates"])  # of Vega-Lite, and of Vega
def test_they_are_drawn(name: str, specs: dict[str, dict[str, Any]]) -> None:
    pytest.importorskip("vl_convert", reason="charts as files need vl-convert: pip install 'sm-tuning[results]'")
    drawn = svg(specs[name])
    ET.fromstring(drawn)  # noqa: S314 - made here
    assert "validation:loss" in drawn
    image = png(specs[name])
    assert image.startswith(b"\x89PNG")
    assert int.from_bytes(image[16:20], "big") >= 1200


def test_without_vl_convert_they_say_what_is_missing(monkeypatch: pytest.MonkeyPatch, specs: dict[str, dict[str, Any]]) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    for draw in (svg, png):
        with pytest.raises(MissingExtra, match=r"pip install 'sm-tuning\[results\]'"):
            draw(specs["history"])
