"""Transform jobs: requests parsed, with AWS's defaults, and answers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from local_emulator.documents import hosting
from local_emulator.documents.hosting import ContainerSpec
from local_emulator.documents.serialize import milliseconds, present
from local_emulator.domain.jobs import Document
from local_emulator.domain.spec import S3DataSource
from local_emulator.domain.transform import TransformJob, TransformSpec

_NOTHING: Document = {}


def with_defaults(request: Document) -> Document:
    """CreateTransformJob as DescribeTransformJob shows it."""
    echo: dict[str, Any] = {
        **request,
        "TransformInput": {"CompressionType": "None", "SplitType": "None", **request["TransformInput"]},
        "TransformOutput": {"AssembleWith": "None", "KmsKeyId": "", **request["TransformOutput"]},
        "DataProcessing": {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None", **request.get("DataProcessing", {})},
    }
    echo.pop("Tags", None)
    return echo


def parse(request: Document) -> TransformSpec:
    """CreateTransformJob with its defaults."""
    given, taken, processing = request["TransformInput"], request["TransformOutput"], request["DataProcessing"]
    source, client = given["DataSource"]["S3DataSource"], request.get("ModelClientConfig", _NOTHING)
    return TransformSpec(
        source=S3DataSource(s3_uri=source["S3Uri"], s3_data_type=source["S3DataType"]),
        output=taken["S3OutputPath"],
        instance_type=request["TransformResources"]["InstanceType"],
        instance_count=request["TransformResources"]["InstanceCount"],
        content_type=given.get("ContentType"),
        accept=taken.get("Accept"),
        gzip=given["CompressionType"] == "Gzip",
        split=given["SplitType"],
        assemble=taken["AssembleWith"],
        strategy=request.get("BatchStrategy"),
        max_payload=request.get("MaxPayloadInMB"),
        max_concurrent=request.get("MaxConcurrentTransforms"),
        timeout=float(client.get("InvocationsTimeoutInSeconds", TransformSpec.timeout)),
        retries=client.get("InvocationsMaxRetries", TransformSpec.retries),
        input_filter=processing["InputFilter"],
        output_filter=processing["OutputFilter"],
        join=processing["JoinSource"] == "Input",
    )


def containers(job: TransformJob) -> Sequence[ContainerSpec]:
    """What serves the model, with the job's own environment."""
    own = job.request.get("Environment", _NOTHING)
    return [replace(spec, environment={**spec.environment, **own}) for spec in hosting.container_specs(job.model)]


def environment(job: TransformJob) -> Mapping[str, str]:
    """The environment variables of all containers, by their names and those of the containers."""
    specs = containers(job)
    if len(specs) == 1:
        return specs[0].environment
    return {f"{name} of {spec.name}": value for spec in specs for name, value in spec.environment.items()}


def described(job: TransformJob) -> Document:
    """Answer of DescribeTransformJob."""
    return present(
        {
            **job.request,
            "TransformJobArn": job.arn,
            "TransformJobStatus": job.status.value,
            "FailureReason": job.failure_reason,
            "CreationTime": milliseconds(job.created),
            "TransformStartTime": milliseconds(job.started),
            "TransformEndTime": milliseconds(job.ended),
        }
    )


def summary(job: TransformJob) -> Document:
    """An item of TransformJobSummaries."""
    return present(
        {
            "TransformJobName": job.name,
            "TransformJobArn": job.arn,
            "CreationTime": milliseconds(job.created),
            "TransformEndTime": milliseconds(job.ended),
            "LastModifiedTime": milliseconds(job.modified),
            "TransformJobStatus": job.status.value,
            "FailureReason": job.failure_reason,
        }
    )
