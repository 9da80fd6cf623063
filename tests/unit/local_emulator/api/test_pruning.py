"""What moto's answers hold and AWS's do not."""

import json

import pytest

from local_emulator.api.pruning import pruned

MODEL = {"ModelName": "m", "ExecutionRoleArn": "arn:aws:iam::123456789012:role/r", "Containers": []}


@pytest.mark.parametrize(
    ("operation", "given", "kept"),
    [
        ("DescribeModel", MODEL | {"VpcConfig": {}, "PrimaryContainer": None}, MODEL),
        ("DescribeModel", {"PrimaryContainer": {"Mode": "", "Environment": {}}}, {"PrimaryContainer": {"Environment": {}}}),
        ("ListModels", {"Models": []}, {"Models": []}),
        ("DescribeTrialComponent", {"LastModifiedBy": {}}, {"LastModifiedBy": {}}),  # as AWS answers
        ("DescribeModel", {"ModelName": None, "NotOfTheModel": None}, {"ModelName": None, "NotOfTheModel": None}),
    ],
)  # fmt: skip
def test_members_that_cannot_be_are_left_out(operation: str, given: dict[str, object], kept: dict[str, object]) -> None:
    assert json.loads(pruned(operation, json.dumps(given).encode())) == kept


@pytest.mark.parametrize("content", [b"", b"not json", b"[]", b'{"Models": []}'])
def test_anything_else_stays_as_it_is(content: bytes) -> None:
    assert pruned("ListModels", content) == content
    assert pruned("NoSuchOperation", content) == content
