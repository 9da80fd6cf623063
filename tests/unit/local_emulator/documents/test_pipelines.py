import functools
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from local_emulator.documents.pipelines import DefinitionError, definition, parameter_value
from local_emulator.domain.pipeline import Branch, Parameter, StepKind
from tests.made_pipelines import condition, document, step

TRAIN = {"HyperParameters": {"a": {"Get": "Parameters.Alpha"}}}
ALPHA = {"Name": "Alpha", "Type": "Float", "DefaultValue": 0.5}


def test_steps_of_all_branches_in_the_order_in_which_they_are_written() -> None:
    prepare = step("Prepare", "Processing", PropertyFiles=[{"PropertyFileName": "R", "OutputName": "o", "FilePath": "r.json"}])
    report = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Prepare.PropertyFiles.R"}, "Path": "a.b"}}
    register = step("Register", "RegisterModel", {"ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}})
    train = step("Train", "Training", TRAIN, DependsOn=["Prepare"], CacheConfig={"Enabled": True, "ExpireAfter": "P1D"})
    check = condition("Check", [register], [step("Bad")], LeftValue=report)
    parsed = definition(document(check, train, prepare, Parameters=[ALPHA]))
    assert [item.name for item in parsed.steps] == ["Check", "Register", "Bad", "Train", "Prepare"]
    assert parsed.step("Check").depends_on == {"Prepare"}
    assert parsed.step("Register").depends_on == {"Check", "Train"}
    assert parsed.step("Register").branch == Branch(condition="Check", outcome=True)
    assert parsed.step("Bad").branch == Branch(condition="Check", outcome=False)
    assert parsed.step("Train").cache == timedelta(days=1)
    assert parsed.step("Train").depends_on == {"Prepare"}
    assert parsed.step("Prepare").kind is StepKind.PROCESSING
    assert parsed.parameters == (Parameter(name="Alpha", kind="Float", default=0.5),)


def test_retry_policies_and_their_defaults() -> None:
    policies = [{"ExceptionType": ["Step.THROTTLING"]}, {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "ExpireAfterMin": 5}]
    first, second = definition(document(step("Train", "Training", RetryPolicies=policies))).steps[0].retry_policies
    assert (first.interval, first.backoff, first.max_attempts, first.expire_after) == (timedelta(seconds=1), 2.0, 5, None)
    assert second.expire_after == timedelta(minutes=5)


def experiment(name: object) -> str:
    """The text of a definition with the name of an experiment."""
    return document(step("A", "Training"), PipelineExperimentConfig={"ExperimentName": name})


JSON_GET = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.A.PropertyFiles.R"}, "Path": "a"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "Expecting start of Json Object"),
        ("{", "It is no JSON"),
        (document(step("A"), Version="2021"), "Version is '2021'"),
        (document(), "has 0 steps"),
        (document(step("A"), step("A")), "Pipeline steps cannot have duplicate names: A"),
        (document(step("A", "Callback")), "Step 'A' is of Type 'Callback', which is not emulated"),
        (document(step("A b")), "Name is 'A b'"),
        (document(step("A", Extra=1)), "Unknown member 'Extra' in step 'A'"),
        (document(step("A", "Training", [])), "Expecting start of Json Object. (Arguments of 'A')"),
        (document(step("A", "Training", DependsOn=["B"])), "depends on the step 'B', which the pipeline does not have"),
        (document(step("A", "Training", {"x": {"Get": "Steps.B.X"}})), "depends on the step 'B'"),
        (document(step("A", "Training", {"x": {"Get": "Parameters.B"}})), "refers to the parameter 'B'"),
        (document(step("A", "Training", {"x": {"Get": "Execution.B"}})), "refers to 'Execution.B'"),
        (document(step("A", "Model", {"x": {"Get": "Execution.TrainingJobName"}})), "refers to 'Execution.TrainingJobName'"),
        (document(step("A", "Training", {"x": {"Get": "Other.B"}})), "'Other.B' in step 'A' refers to no parameter"),
        (experiment({"Get": "Parameters.B"}), "in ExperimentName of PipelineExperimentConfig refers to the parameter 'B'"),
        (experiment({"Get": "Steps.A.TrainingJobName"}), "refers to no parameter or variable of the execution"),
        (experiment({"Get": "Execution.TrainingJobName"}), "refers to 'Execution.TrainingJobName'"),
        (experiment({"Get": 5}), "In ExperimentName of PipelineExperimentConfig Get has the argument 5"),
        (experiment({"Std:JsonGet": {"S3Uri": "s3://b/k", "Path": "a"}}), "it must be a text, or a Get or Std:Join"),
        (experiment({"Std:Join": {"Values": [{"Std:JsonGet": {"S3Uri": "s3://b/k", "Path": "a"}}]}}), "it must be a text"),
        (experiment(5), "ExperimentName of PipelineExperimentConfig is 5; it must be a text"),
        (document(step("A", "Training", {"x": {"Get": "Steps.[x"}})), "In step 'A' 'Steps.[x' is no reference"),
        (document(step("A", "Training", {"x": {"Std:Join": {"On": ","}}})), "Std:Join has the argument"),
        (document(step("A", "Processing"), step("B", "Training", {"x": JSON_GET})), "refers to the property file 'R'"),
        (document(step("Fail"), step("Train", "Training", DependsOn=["Fail"])), "Train can not depends on Fail"),
        (document(condition("C", [], [], Type="Like")), "a condition has the Type 'Like'"),
        (document(step("C", "Condition", {"Conditions": []})), "Conditions is no list of conditions"),
        (document(step("L", "Lambda")), "Step 'L' is of Type Lambda and has no FunctionArn"),
        (
            document(step("A", "Training", CacheConfig={"Enabled": True, "ExpireAfter": "1 day"})),
            "'1 day' is no ISO 8601 duration",
        ),
        (document(step("A", "Training", RetryPolicies=[{"ExceptionType": ["X"]}])), "has the ExceptionType ['X']"),
        (
            document(step("A", "Training", RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 21}])),
            "MaxAttempts of step 'A' is 21; it must be a number from 1 to 20",
        ),
        (document(step("A"), Parameters=[{"Name": "P", "Type": "Integer", "DefaultValue": "1"}]), "'P' is of Type Integer; '1'"),
        (
            document(step("A"), Parameters=[{"Name": "P", "Type": "Integer", "DefaultValue": True}]),
            "'P' is of Type Integer; True",
        ),
        (document(step("A"), Parameters=[{"Name": "P", "Type": "List"}]), "Parameter 'P' has Type 'List'"),
        (document(step("A", "Fail", {"ErrorMessage": "\ud800"})), "It is no JSON: "),
        (
            document(step("A"), Parameters=[{"Name": "P", "Type": "String", "DefaultValue": "c", "EnumValues": ["a"]}]),
            "The DefaultValue 'c' of parameter 'P' is none of its EnumValues",
        ),
    ],
)
def test_what_is_wrong_is_told(text: str, message: str) -> None:
    with pytest.raises(DefinitionError) as error:
        definition(text)
    assert str(error.value).startswith("Unable to parse pipeline definition. ")
    assert message in str(error.value)


def test_cycles() -> None:
    a, b = step("A", "Training", DependsOn=["B"]), step("B", "Training", {"x": {"Get": "Steps.C.TrainingJobName"}})
    c = step("C", "Training", DependsOn=["A"])
    with pytest.raises(DefinitionError, match="Cycle detected in pipeline step graph: A -> B -> C -> A"):
        definition(document(a, b, c))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [("Integer", "3", 3), ("Float", "3", 3.0), ("Float", "1e-3", 0.001), ("Boolean", "True", True), ("String", "3", "3")],
)
def test_values_of_parameters(kind: str, text: str, value: Any) -> None:
    got = parameter_value(Parameter(name="P", kind=kind), text)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(("kind", "text"), [("Integer", "3.5"), ("Integer", "x"), ("Float", ""), ("Boolean", "yes")])
def test_values_of_a_wrong_type(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"Parameter 'P' is of Type {kind}; '{text}' is not"):
        parameter_value(Parameter(name="P", kind=kind), text)


def test_values_that_are_not_allowed() -> None:
    with pytest.raises(ValueError, match="is none of its EnumValues: a, b"):
        parameter_value(Parameter(name="P", kind="String", values=("a", "b")), "c")


ODD: list[Any] = [
    None,
    5,
    -1,
    1.5,
    True,
    "x",
    "",
    [],
    {},
    [1],
    {"a": 1},
    {"Get": 5},
    {"Get": "Parameters"},
    {"Std:Join": {}},
    {"Std:JsonGet": 5},
]


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def test_whatever_stands_in_a_definition_is_taken_or_refused_in_a_sentence() -> None:
    files = [{"PropertyFileName": "R", "OutputName": "o", "FilePath": "r.json"}]
    policies = [{"ExceptionType": ["Step.THROTTLING"], "IntervalSeconds": 1}]
    prepare = step(
        "A", "Processing", {}, PropertyFiles=files, RetryPolicies=policies, CacheConfig={"Enabled": True, "ExpireAfter": "P1D"}
    )
    call = step("L", "Lambda", {"a": JSON_GET}, FunctionArn="f", OutputParameters=[{"OutputName": "o", "OutputType": "String"}])
    check = condition(
        "C", [call], [step("F", DependsOn=["A"])], Type="Or", Conditions=[{"Type": "In", "QueryValue": 1, "Values": [1]}]
    )
    whole = document(prepare, check, Parameters=[{**ALPHA, "EnumValues": [0.5]}], PipelineExperimentConfig={"TrialName": "t"})
    definition(whole)
    refused = 0
    for path in places(json.loads(whole)):
        for odd in ODD:
            changed = json.loads(whole)
            *above, last = path
            functools.reduce(lambda tree, key: tree[key], above, changed)[last] = odd
            try:
                definition(json.dumps(changed))
            except DefinitionError:
                refused += 1
    assert refused > 500
