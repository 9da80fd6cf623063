"""A tuning job as a SageMaker pipeline of one step, which a schedule or an event can start."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from sm_tuning.boto import Client
from sm_tuning.client.errors import NOT_FOUND, code_of
from sm_tuning.errors import Invalid
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.validation.dry_run import sound

_STEP = "tune"


def definition(job: TuningJobSpec) -> Mapping[str, Any]:
    """The pipeline's definition; SageMaker names each tuning job that it launches.

    Raises:
        Invalid: The tuning job has code or data on this machine: what is uploaded below `output` expires, and the pipeline stays.
        RulesBroken: A rule is broken.
    """
    for _, part in job.parts():
        local = ["script"] if part.script is not None else []
        local += [f"channel {channel.name}" for channel in part.channels if channel.path is not None]
        if local:
            lie = f"{' and '.join(local)} of {job.name} {'lies' if len(local) == 1 else 'lie'} on this machine"
            raise Invalid(f"{lie}; what a pipeline launches must be in the image and in S3")
    arguments = {name: value for name, value in sound(job).request.items() if name != "HyperParameterTuningJobName"}
    step = {"Name": _STEP, "Type": "Tuning", "Arguments": arguments}
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": [step]}


def put(client: Client, name: str, job: TuningJobSpec, *, role: str) -> str:
    """Make or replace the pipeline of a tuning job, which runs with `role`; its ARN. Raises as `definition` does."""
    described = json.dumps(definition(job))
    try:
        client.describe_pipeline(PipelineName=name)
    except ClientError as error:
        if code_of(error) not in NOT_FOUND:
            raise
        tags = [{"Key": key, "Value": value} for key, value in job.tags.items()]
        made = client.create_pipeline(PipelineName=name, PipelineDefinition=described, RoleArn=role, Tags=tags)
    else:
        made = client.update_pipeline(PipelineName=name, PipelineDefinition=described, RoleArn=role)
    arn: str = made["PipelineArn"]
    return arn
