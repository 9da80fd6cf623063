"""Selective executions: some steps run, what they need of others is taken from an earlier execution."""

from collections.abc import Sequence
from dataclasses import replace

from local_emulator.domain.names import Arn
from local_emulator.domain.pipeline import PipelineExecution, StepStatus


def selected(execution: PipelineExecution, names: Sequence[str], source: PipelineExecution | None) -> PipelineExecution:
    """The execution of some steps; raises ValueError, whose text says what is wrong with the selection."""
    steps = {step.name: step for step in execution.plan.steps}
    if unknown := sorted(set(names) - steps.keys()):
        raise ValueError(f"Invalid SelectedSteps: the pipeline does not have the steps {unknown}.")
    needed = {needed for name in names for needed in steps[name].depends_on} - set(names)
    if source is None and needed:
        raise ValueError(
            f"Invalid SourcePipelineExecutionArn: null. The selected steps {sorted(names)} have dependencies on {sorted(needed)}"
        )
    if source is not None and source.pipeline.lower() != execution.pipeline.lower():
        raise ValueError(
            f"Invalid SourcePipelineExecutionArn: {source.shown_arn} is no execution of pipeline {execution.pipeline}."
        )
    reused = []
    for step in execution.plan.steps:
        record = source.record_of(step.name) if source is not None and step.name in needed else None
        if step.name in needed and (source is None or record is None or record.status is not StepStatus.SUCCEEDED):
            raise ValueError(f"Step '{step.name}' has not succeeded in {source.shown_arn if source else None}: select it too.")
        if record is not None and source is not None:
            reused.append(replace(record, reused_from=Arn(source.shown_arn), cached_from=None, key=None))
    return replace(execution, selected=tuple(names), steps=tuple(reused))
