from typing import Any

import pytest

from local_emulator.api.step_arguments import check
from local_emulator.documents.pipelines import DefinitionError, definition
from tests.made_pipelines import document, step
from tests.pipeline_world import training_arguments

PACKAGE = {"ModelPackageGroupName": "g"}


def checked(kind: str, arguments: Any) -> None:
    check(definition(document(step("S", kind, arguments), Parameters=[{"Name": "P", "Type": "Integer"}])).steps[0])


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("Training", training_arguments()),
        ("Training", training_arguments() | {"StoppingCondition": {"MaxRuntimeInSeconds": {"Get": "Parameters.P"}}}),
        ("Training", training_arguments() | {"TrainingJobName": "mine", "AlgorithmSpecification": {"Get": "Parameters.P"}}),
        ("RegisterModel", PACKAGE),
        ("Fail", {"Anything": 1}),
    ],
)
def test_what_is_right_as_far_as_it_is_known(kind: str, arguments: Any) -> None:
    checked(kind, arguments)


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        # The first four in AWS's words (aws/sagemaker-python-sdk#3472, #2345, #3908; enum: seen of a Processing step).
        ("RegisterModel", {**PACKAGE, "ModelPackageName": "n"}, "Unknown Argument member 'ModelPackageName'."),
        ("Training", training_arguments() | {"InputDataConfig": {}}, "Expecting start of Json Array."),
        ("Training", training_arguments() | {"StoppingCondition": []}, "Expecting start of Json Object."),
        (
            "Training",
            training_arguments() | {"AlgorithmSpecification": {"TrainingInputMode": "Stream"}},
            "Model Validation failed: Value 'Stream' for 'TrainingInputMode' failed to satisfy enum value set: [",
        ),
        ("Training", training_arguments() | {"Colour": "red"}, "Unknown Argument member 'Colour'."),
        ("Training", training_arguments() | {"Environment": {"a": []}}, "Expecting a value of type string, not list"),
        ("Training", {}, "Missing required argument 'RoleArn' of CreateTrainingJob"),
    ],
)
def test_what_is_wrong_whatever_the_functions_come_to(kind: str, arguments: Any, message: str) -> None:
    with pytest.raises(DefinitionError) as error:
        checked(kind, arguments)
    assert str(error.value).startswith(f"Unable to parse pipeline definition. {message}")
