from typing import Any

import pytest

from local_emulator.pipelines.caching import key_of
from tests.made_pipelines import execution, step


def key(kind: str, **arguments: Any) -> str:
    return key_of(execution(step("S", kind)).plan.steps[0], arguments)


@pytest.mark.parametrize(
    ("kind", "member", "counts"),
    [
        ("Training", "HyperParameters", True),
        ("Training", "ResourceConfig", False),
        ("Processing", "AppSpecification", True),
        ("Processing", "ProcessingOutputConfig", False),
        ("Tuning", "HyperParameterTuningJobConfig", True),
        ("Transform", "TransformInput", True),
        ("Transform", "TransformOutput", False),
    ],
)
def test_what_results_are_cached_by(kind: str, member: str, *, counts: bool) -> None:
    assert (key(kind, **{member: {"a": "1"}}) != key(kind, **{member: {"a": "2"}})) is counts


def test_only_parts_of_a_definition_count() -> None:
    tuned = {"StaticHyperParameters": {"a": "1"}}
    assert key("Tuning", TrainingJobDefinition=tuned) == key("Tuning", TrainingJobDefinition={**tuned, "RoleArn": "x"})
    assert key("Tuning", TrainingJobDefinition=tuned) != key(
        "Tuning", TrainingJobDefinition={"StaticHyperParameters": {"a": "2"}}
    )
