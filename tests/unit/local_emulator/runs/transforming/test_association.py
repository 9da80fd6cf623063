"""What is sent of records, and what is kept of them and their answers."""

import json

import pytest

from local_emulator.runs.transforming.association import CSV, Association
from local_emulator.runs.transforming.records import PayloadError

LINES = "application/jsonlines"


def test_without_filters_nothing_is_touched() -> None:
    association = Association()
    records = [b"a,\xff\r\n"]
    assert association.sent(records, CSV) is records
    assert association.kept(records, CSV, b"\xfe", CSV) == b"\xfe"


@pytest.mark.parametrize(
    ("association", "sent", "kept"),
    [
        (Association("$[1:]"), b"2,3\n5,6\n", b"x\ny\n"),
        (Association("$", "$[0]", join=True), b"1,2,3\n4,5,6\n", b"1\n4\n"),
        (Association("$[0]", "$", join=True), b"1\n4\n", b"1,2,3,x\n4,5,6,y\n"),
        (Association("$[0,2]", "$[-1,0]", join=True), b"1,3\n4,6\n", b"x,1\ny,4\n"),
    ],
)
def test_csv(association: Association, sent: bytes, kept: bytes) -> None:
    records = [b"1,2,3\n", b"4,5,6\n"]
    assert b"".join(association.sent(records, "text/csv; charset=utf-8")) == sent
    assert association.kept(records, CSV, b"x\ny\n", CSV) == kept


def test_json() -> None:
    records = [b'{"id": 1, "x": [1]}\n', b'{"id": 2, "x": [2]}']
    association = Association("$.x", "$['id','SageMakerOutput']", join=True)
    assert b"".join(association.sent(records, LINES)) == b"[1]\n[2]\n"
    assert association.kept(records, LINES, b'{"p": 1}\n{"p": 2}\n', LINES) == b'[1,{"p":1}]\n[2,{"p":2}]\n'
    whole = Association(join=True).kept([b"[1]"], "application/json", b"0.5", "application/json")
    assert json.loads(whole) == {"SageMakerInput": [1], "SageMakerOutput": 0.5}
    several = Association(join=True).kept(records, LINES, b"[1, 2]", "application/json")
    assert [json.loads(line)["SageMakerOutput"] for line in several.splitlines()] == [1, 2]


@pytest.mark.parametrize(
    ("association", "record", "answer", "sentence"),
    [
        (Association(join=True), b"1\n", b"x\ny\n", "mismatched line count between the input and the output"),
        (Association("$[5]"), b"1\n", b"x\n", "Fail to apply filter: the path leads to nothing"),
    ],
)
def test_what_cannot_be_done(association: Association, record: bytes, answer: bytes, sentence: str) -> None:
    with pytest.raises(PayloadError, match=sentence):
        _ = association.sent([record], CSV), association.kept([record], CSV, answer, CSV)


@pytest.mark.parametrize("record", [b"{", pytest.param(b"[" * 100_000, id="too deep"), b"\xff"])
def test_what_is_no_json(record: bytes) -> None:
    with pytest.raises(PayloadError, match="Unable to parse data as application/jsonlines"):
        Association("$.x").sent([record], LINES)
