from dataclasses import replace

import pytest

from local_emulator.domain.pipeline import PipelineExecution, StepStatus
from local_emulator.pipelines.decide import Launch, decide
from local_emulator.pipelines.selection import selected
from tests.made_pipelines import BEGIN, execution, record, step


@pytest.fixture
def began() -> PipelineExecution:
    return execution(step("A", "Training"), step("B", "Training", DependsOn=["A"]), step("C", "Training", DependsOn=["B"]))


def test_what_selected_steps_need_is_taken_from_another_execution(began: PipelineExecution) -> None:
    source = replace(began, steps=(record("A", StepStatus.SUCCEEDED, properties={"x": 1}), record("B", StepStatus.FAILED)))
    chosen = selected(began, ["B"], source)
    (reused,) = chosen.steps
    assert (reused.name, reused.reused_from, reused.properties) == ("A", source.shown_arn, {"x": 1})
    assert decide(chosen, BEGIN) == [Launch(step=began.plan.step("B"), attempt=1)]
    ended = chosen.with_step(record("B", StepStatus.SUCCEEDED))
    assert [type(action).__name__ for action in decide(ended, BEGIN)] == ["Finish"]  # C is not selected


def test_steps_that_need_nothing_need_no_source(began: PipelineExecution) -> None:
    assert selected(began, ["A"], None).steps == ()
    assert selected(began, ["A", "B"], None).selected == ("A", "B")


def test_selections_that_cannot_be_executed(began: PipelineExecution) -> None:
    failed = replace(began, steps=(record("A", StepStatus.FAILED),))
    other = replace(began, name="Other/execution/x")
    cases = [
        (["X"], None, "does not have the steps"),
        # In AWS's words (aws/sagemaker-python-sdk#4444).
        (["B"], None, r"Invalid SourcePipelineExecutionArn: null. The selected steps \['B'\] have dependencies on \['A'\]"),
        (["B"], failed, "Step 'A' has not succeeded"),
        (["B"], other, "is no execution of pipeline Abalone"),
    ]
    for names, source, error in cases:
        with pytest.raises(ValueError, match=error):
            selected(began, names, source)
