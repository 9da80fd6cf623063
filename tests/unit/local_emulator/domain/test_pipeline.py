from local_emulator.domain.pipeline import ExecutionStatus, StepStatus
from tests.made_pipelines import execution, record, step


def test_what_failed_or_was_stopped_may_be_retried_and_nothing_else() -> None:
    again = {status for status in ExecutionStatus if ExecutionStatus.EXECUTING in status.may_follow}
    assert again == {ExecutionStatus.FAILED, ExecutionStatus.STOPPED}
    assert {status for status in ExecutionStatus if status.terminal} == {*again, ExecutionStatus.SUCCEEDED}


def test_an_execution_knows_its_names_and_steps() -> None:
    began = execution(step("A", "Training"), step("B", "Training"))
    assert (began.pipeline, began.id) == ("Abalone", "ztefwbnlgoif")
    assert began.shown_arn == "arn:aws:sagemaker:us-east-1:123456789012:pipeline/Abalone/execution/ztefwbnlgoif"
    before = began.state
    began = began.with_step(record("A", StepStatus.EXECUTING))
    assert began.state != before
    assert [item.name for item in began.active] == ["A"]
    began = began.with_step(record("B", StepStatus.EXECUTING)).with_step(record("A", StepStatus.SUCCEEDED))
    assert [item.name for item in began.steps] == ["A", "B"]
    assert [item.name for item in began.active] == ["B"]
    assert began.record_of("C") is None
