"""The common formats for inference, as the developer guide shows them."""

import json

import pytest

from local_emulator.algorithms.recordio import read_labels
from local_emulator.inference.stand_ins.records import Row, UnreadableError, accepted, encode, features

JSON, LINES, CSV, RECORDIO = "application/json", "application/jsonlines", "text/csv", "application/x-recordio-protobuf"
SPARSE = {"data": {"features": {"keys": [0, 3], "shape": [4], "values": [1.5, 2]}}}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b'{"instances": [{"features": [1.5, 0, 0, 2]}, {"data": {"features": {"values": [0, 1, 2, 3]}}}]}'),
        (LINES, b'{"features": [1.5, 0, 0, 2]}\n\n{"data": {"features": {"values": [0, 1, 2, 3]}}}\n'),
        (CSV, b"1.5,0,0,2\n0,1,2,3\n"),
    ],
)
def test_dense_records(kind: str, body: bytes) -> None:
    assert features(body, kind, 4).tolist() == [[1.5, 0, 0, 2], [0, 1, 2, 3]]


@pytest.mark.parametrize(("kind", "body"), [(JSON, json.dumps({"instances": [SPARSE]})), (LINES, json.dumps(SPARSE))])
def test_sparse_records(kind: str, body: str) -> None:
    assert features(body.encode(), kind, 4).toarray().tolist() == [[1.5, 0, 0, 2]]


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        (JSON, b"x", "JSONDecodeError"),
        (JSON, b'{"rows": []}', "KeyError: 'instances'"),
        (JSON, b'{"instances": [{"features": [1, "a"]}]}', "could not convert string"),
        (CSV, b"1,a", "ValueError"),
        (CSV, b"1,2,3", "The records have 3 features; those that the model was trained with had 2."),
        (RECORDIO, b"x" * 8, "is not RecordIO"),
    ],
)
def test_what_cannot_be_read(kind: str, body: bytes, words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        features(body, kind, 2)


@pytest.mark.parametrize(
    ("header", "default", "csv", "accept"),
    [
        ("", JSON, False, (JSON, False)),
        ("*/*", LINES, False, (LINES, False)),
        ("text/csv", JSON, True, (CSV, False)),
        ("text/csv", JSON, False, (JSON, False)),  # as AWS's linear learner answers it
        ("text/html, application/jsonlines", JSON, False, (LINES, False)),
        ("Application/JSON; verbose=true", JSON, False, (JSON, True)),
        ("text/plain", "text/plain", False, (JSON, False)),
    ],
)
def test_accept(header: str, default: str, csv: bool, accept: tuple[str, bool]) -> None:  # noqa: FBT001 - a case
    assert accepted(header, default, csv=csv) == accept


def test_responses() -> None:
    rows: list[Row] = [{"score": 0.25, "labels": [1.0, 0.0]}, {"score": 0.5, "labels": [0.0]}]
    assert encode(rows, "predictions", JSON) == (
        b'{"predictions": [{"score": 0.25, "labels": [1.0, 0.0]}, {"score": 0.5, "labels": [0.0]}]}'
    )
    assert encode(rows, "predictions", LINES) == b'{"score": 0.25, "labels": [1.0, 0.0]}\n{"score": 0.5, "labels": [0.0]}\n'
    assert encode(rows, "predictions", CSV) == b"0.25,1.0,0.0\n0.5,0.0"
    assert read_labels(encode(rows, "predictions", RECORDIO)) == [
        {"score": [0.25], "labels": [1.0, 0.0]},
        {"score": [0.5], "labels": [0.0]},
    ]
