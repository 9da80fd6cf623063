from typing import Any

import pytest

from local_emulator.domain.jobs import Status
from tests.made_pipelines import step
from tests.pipeline_world import ROLE, RefusedError, World, train

PARAMETERS = [
    {"Name": "Rate", "Type": "Float", "DefaultValue": 0.5},
    {"Name": "Kind", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]},
]


def described(world: World, arn: str) -> Any:
    return world.ask("DescribePipelineExecution", PipelineExecutionArn=arn)


def test_an_execution_is_described_as_it_was_started(world: World) -> None:
    config = {"ExperimentName": {"Get": "Execution.PipelineName"}, "TrialName": {"Get": "Execution.PipelineExecutionId"}}
    world.create(train("Train"), Parameters=PARAMETERS, PipelineExperimentConfig=config)
    arn = world.start(PipelineParameters=[{"Name": "Rate", "Value": "1"}], PipelineExecutionDescription="d")
    name = arn.rpartition("/")[2]
    assert described(world, arn) == {
        "PipelineArn": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/Abalone",
        "PipelineExecutionArn": f"arn:aws:sagemaker:us-east-1:123456789012:pipeline/Abalone/execution/{name}",
        "PipelineExecutionDisplayName": "execution-1777636800000",
        "PipelineExecutionDescription": "d",
        "PipelineExecutionStatus": "Executing",
        "PipelineExperimentConfig": {"ExperimentName": "abalone", "TrialName": name},
        "CreationTime": 1777636800.0,
        "LastModifiedTime": 1777636800.0,
        "RoleArn": ROLE,
    }
    assert world.ask("ListPipelineParametersForExecution", PipelineExecutionArn=arn)["PipelineParameters"] == [
        {"Name": "Rate", "Value": "1"}
    ]
    assert world.execution(arn).parameters == {"Rate": 1.0, "Kind": "a"}
    assert described(world, arn.lower()) == described(world, arn)


def test_a_repeated_start_is_one_execution(world: World) -> None:
    world.create(train("Train"))
    assert world.start() == world.start()
    assert world.start(letter="u") != world.start()


def test_a_token_is_of_one_pipeline(world: World) -> None:
    """Names of jobs follow from the execution's id: a pipeline of a name that was deleted must not have it again."""
    before = world.run(train("Train"))
    world.end(before, "Train")
    world.ask("DeletePipeline", PipelineName="Abalone", ClientRequestToken="d" * 32)
    world.pass_time(1)
    after = world.run(train("Train"))
    assert after != before
    assert world.statuses(after) == {"Train": "Executing"}


@pytest.mark.parametrize(
    ("parameter", "error"),
    [
        (("Other", "1"), r"Unknown parameters \['Other'\]"),
        (("Rate", "fast"), "Parameter 'Rate' is of Type Float; 'fast' is not"),
        (("Kind", "c"), "The value 'c' of parameter 'Kind' is none of its EnumValues"),
    ],
)
def test_parameters_that_cannot_be(world: World, parameter: tuple[str, str], error: str) -> None:
    world.create(train("Train"), Parameters=PARAMETERS)
    with pytest.raises(RefusedError, match=f"ValidationException: {error}"):
        world.start(PipelineParameters=[{"Name": parameter[0], "Value": parameter[1]}])


def test_parameters_without_a_value(world: World) -> None:
    world.create(train("Train"), Parameters=[{"Name": "Needed", "Type": "String"}])
    with pytest.raises(RefusedError, match=r"Parameters \['Needed'\] have no default value and are not given"):
        world.start()


def test_steps_are_listed_the_last_that_began_first(world: World) -> None:
    arn = world.run(train("First", Description="d", DisplayName="D"), step("Last", DependsOn=["First"]))
    world.pass_time(9)
    world.end(arn, "First", Status.FAILED, "AlgorithmError: no")
    listed = world.ask("ListPipelineExecutionSteps", PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    (first,) = listed
    assert first == {
        "StepName": "First",
        "StepDisplayName": "D",
        "StepDescription": "d",
        "StartTime": 1777636800.0,
        "EndTime": 1777636809.0,
        "StepStatus": "Failed",
        "FailureReason": "ClientError: AlgorithmError: no",
        "AttemptCount": 1,
        "Metadata": {"TrainingJob": {"Arn": world.execution(arn).steps[0].job}},
    }


def test_pages_of_steps_and_executions(world: World) -> None:
    arns = []
    world.create(*(train(f"Train{number}") for number in range(3)))
    for letter in "abc":
        arns.append(world.start(letter=letter))
        world.pass_time(1)
    world.move()
    steps: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = world.ask("ListPipelineExecutionSteps", PipelineExecutionArn=arns[0], MaxResults=2, SortOrder="Ascending", **token)
        steps += [item["StepName"] for item in page["PipelineExecutionSteps"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert sorted(steps) == ["Train0", "Train1", "Train2"]
    first = world.ask("ListPipelineExecutions", PipelineName="Abalone", MaxResults=2)
    rest = world.ask("ListPipelineExecutions", PipelineName="Abalone", MaxResults=2, NextToken=first["NextToken"])
    listed = [*first["PipelineExecutionSummaries"], *rest["PipelineExecutionSummaries"]]
    assert [item["PipelineExecutionArn"] for item in listed] == arns[::-1]
    assert {item["PipelineExecutionStatus"] for item in listed} == {"Executing"}
    answer = world.ask("Search", Resource="PipelineExecution", MaxResults=1)
    assert (answer["TotalHits"]["Value"], "PipelineExecution" in answer["Results"][0]) == (3, True)


def test_what_is_over_is_neither_stopped_nor_retried(world: World) -> None:
    arn = world.run(train("Train"))
    with pytest.raises(RefusedError, match=r"Only pipeline executions in 'Failed' or 'Stopped' status can be retried"):
        world.ask("RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="r" * 32)
    world.end(arn, "Train")
    with pytest.raises(RefusedError, match=r"Only pipelines with 'Executing' status can be stopped"):
        world.ask("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="s" * 32)


def test_an_execution_is_retried_once_by_a_token(world: World) -> None:
    arn = world.run(train("Train"))
    for _ in range(2):
        world.end(arn, "Train", Status.FAILED, "AlgorithmError: no")
        config = {"MaxParallelExecutionSteps": 7}
        world.ask(
            "RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="r" * 32, ParallelismConfiguration=config
        )
        world.move()
        if world.execution(arn).status.terminal:
            break
    assert world.execution(arn).steps[0].attempts == 2  # the second call is the first one's repetition
    assert world.execution(arn).parallelism == 7


def test_an_execution_is_updated(world: World) -> None:
    world.create(train("Train"))
    arn = world.start()
    config = {"MaxParallelExecutionSteps": 2}
    world.ask(
        "UpdatePipelineExecution", PipelineExecutionArn=arn, PipelineExecutionDisplayName="n", ParallelismConfiguration=config
    )
    assert described(world, arn)["PipelineExecutionDisplayName"] == "n"
    assert described(world, arn)["ParallelismConfiguration"] == config
    assert world.execution(arn).parallelism == 2


def test_selected_steps(world: World) -> None:
    source = world.run(train("A"), train("B", DependsOn=["A"]))
    with pytest.raises(RefusedError, match=r"Invalid SourcePipelineExecutionArn: null\. The selected steps \['B'\]"):
        world.start(letter="u", SelectiveExecutionConfig={"SelectedSteps": [{"StepName": "B"}]})
    world.end(source, "A")
    world.end(source, "B")
    config = {"SelectedSteps": [{"StepName": "B"}], "SourcePipelineExecutionArn": source}
    arn = world.start(letter="u", SelectiveExecutionConfig=config)
    world.move()
    assert world.statuses(arn) == {"A": "Succeeded", "B": "Executing"}
    listed = world.ask("ListPipelineExecutionSteps", PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    results = {item["StepName"]: item.get("SelectiveExecutionResult") for item in listed}
    assert results == {"A": {"SourcePipelineExecutionArn": source}, "B": None}
    assert described(world, arn)["SelectiveExecutionConfig"] == config


def test_executions_that_are_not_there(world: World) -> None:
    world.create(train("Train"))
    arn = world.start()
    for other in (
        arn[:-1],
        arn.replace("us-east-1", "eu-west-1"),
        "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/x",
    ):
        with pytest.raises(RefusedError, match=r"ResourceNotFound: Pipeline execution '.*' does not exist"):
            described(world, other)
