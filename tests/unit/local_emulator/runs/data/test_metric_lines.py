"""Lines in which metric definitions find a given value."""

import math

import pytest

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs.data.metric_lines import line_of


@pytest.mark.parametrize(
    ("regex", "value"),
    [
        (r"loss=([0-9.]+)", 0.25),
        (r"Validation_loss: ([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)", -1.5e-7),
        (r".*#011validation-rmse:(\S+)", 12.0),
        (r"^\[\d+\]\s+(?:train|valid) error = (.*?);$", 0.5),
        (r"#quality_metric: host=\S+, epoch=\d+, test loss <loss>=(\S+)", 3.25),
        (r"[^a-z]{3}acc (\d+\.\d{4,})", 0.00001),
    ],
)
def test_lines_in_which_definitions_find_values(regex: str, value: float) -> None:
    definitions = [MetricDefinition(name="other", regex=r"loss=(\d+)x"), MetricDefinition(name="m", regex=regex)]
    import re  # noqa: PLC0415 - Python's own, which is not what the emulator matches with

    (text,) = re.findall(regex, line_of(definitions, "m", value))
    assert math.isclose(float(text), value, rel_tol=1e-5)


def test_a_metric_that_cannot_be_found_is_printed() -> None:
    assert line_of([MetricDefinition(name="m", regex="m=([0-9]+)$")], "m", -0.5) == "m=-0.5"
    assert line_of([], "m", 1.0) == "m=1.0"
    alone = [
        MetricDefinition(name="loss", regex="loss=([0-9.]+)"),
        MetricDefinition(name="val_loss", regex="val_loss[=:] ?([0-9.]+)"),
    ]
    assert line_of(alone, "val_loss", 1.0) == "val_loss: 1.0"
