"""JSONPath as DataProcessing has it; the examples of its guide among others."""

from typing import Any

import pytest

from local_emulator.runs.transforming.paths import Path, PathError

RECORD = {"id": 1, "features": [10, 20, 30, 40], "deep": {"a": {"b": "c"}, "dash-ed": 2}}


@pytest.mark.parametrize(
    ("path", "record", "value"),
    [
        ("$", RECORD, RECORD),
        ("$.id", RECORD, 1),
        ("$.features", RECORD, [10, 20, 30, 40]),
        ("$.deep.a.b", RECORD, "c"),
        ("$.deep.dash-ed", RECORD, 2),
        ("$['id']", RECORD, 1),
        ('$["id"]', RECORD, 1),
        ("$['id','features']", RECORD, [1, [10, 20, 30, 40]]),
        ("$['id', 'none']", RECORD, [1]),
        ("$.features[0]", RECORD, 10),
        ("$.features[-1]", RECORD, 40),
        ("$.features[0,2]", RECORD, [10, 30]),
        ("$.features[1:3]", RECORD, [20, 30]),
        ("$.features[1:]", RECORD, [20, 30, 40]),
        ("$.features[:-1]", RECORD, [10, 20, 30]),
        ("$.features[*]", RECORD, [10, 20, 30, 40]),
        ("$.deep.a.*", RECORD, ["c"]),
        ("$[0]", ["a", "b"], "a"),
        ("$[1:]", ["a", "b", "c"], ["b", "c"]),
        ("$[1:]", ["a"], []),
        ("$[0,-1]", ["a", "b", "c"], ["a", "c"]),
    ],
)
def test_what_a_path_leads_to(path: str, record: Any, value: Any) -> None:
    assert Path(path).apply(record) == value


@pytest.mark.parametrize("path", ["$.none", "$.features[9]", "$.id.deeper", "$['none']"])
def test_a_path_to_nothing(path: str) -> None:
    with pytest.raises(LookupError):
        Path(path).apply(RECORD)


@pytest.mark.parametrize("path", ["", "id", "$id", "$.", "$[", "$['a]", "$..a", "$[?(@.a)]", "$[1:2:3]", "$.a b"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(PathError):
        Path(path)
