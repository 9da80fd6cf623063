"""Processing jobs: requests parsed, with AWS's defaults, and answers."""

from typing import Any

from local_emulator.documents.references import is_function
from local_emulator.documents.serialize import milliseconds, present
from local_emulator.domain.jobs import Document
from local_emulator.domain.processing import ProcessingInput, ProcessingJob, ProcessingOutput, ProcessingSpec
from local_emulator.domain.spec import S3DataSource

_DAY = 86_400  # seconds
_INPUT = {"S3DataDistributionType": "FullyReplicated", "S3InputMode": "File", "S3CompressionType": "None"}
_NOTHING: Document = {}


def with_defaults(request: Document) -> Document:
    """CreateProcessingJob as DescribeProcessingJob shows it."""
    echo: dict[str, Any] = {
        **request,
        "StoppingCondition": {"MaxRuntimeInSeconds": _DAY, **request.get("StoppingCondition", {})},
        "ProcessingResources": {"ClusterConfig": _with_selection(request["ProcessingResources"]["ClusterConfig"])},
    }
    echo.pop("Tags", None)
    if "ProcessingInputs" in request:
        echo["ProcessingInputs"] = [
            {"AppManaged": False, **given, **({"S3Input": {**_INPUT, **given["S3Input"]}} if "S3Input" in given else {})}
            for given in request["ProcessingInputs"]
        ]
    if "ProcessingOutputConfig" in request:
        config = request["ProcessingOutputConfig"]
        echo["ProcessingOutputConfig"] = {**config, "Outputs": [{"AppManaged": False, **given} for given in config["Outputs"]]}
    return echo


def _with_selection(cluster: Document) -> Document:
    """A ClusterConfig with the first of its InstancePreferences selected, if it has any: there is always an instance."""
    preferences = cluster.get("InstancePreferences")
    if not preferences:
        return cluster
    count = preferences[0].get("InstanceCount", cluster.get("InstanceCount", 1))
    return {**cluster, "SelectedInstanceType": preferences[0]["InstanceType"], "SelectedInstanceCount": count}


def parse(request: Document) -> ProcessingSpec:
    """CreateProcessingJob with its defaults."""
    cluster, app = request["ProcessingResources"]["ClusterConfig"], request["AppSpecification"]
    return ProcessingSpec(
        role_arn=request["RoleArn"],
        image=app["ImageUri"],
        entrypoint=tuple(app.get("ContainerEntrypoint", ())),
        arguments=tuple(app.get("ContainerArguments", ())),
        environment=request.get("Environment", _NOTHING),
        inputs=tuple(_input(given) for given in request.get("ProcessingInputs", ()) if "S3Input" in given),
        outputs=tuple(
            _output(given) for given in request.get("ProcessingOutputConfig", _NOTHING).get("Outputs", ()) if "S3Output" in given
        ),
        instance_type=cluster.get("SelectedInstanceType", cluster.get("InstanceType", ProcessingSpec.instance_type)),
        instance_count=cluster.get("SelectedInstanceCount", cluster.get("InstanceCount", 1)),
        volume_size=cluster["VolumeSizeInGB"],
        max_runtime=request["StoppingCondition"]["MaxRuntimeInSeconds"],
        network_isolation=request.get("NetworkConfig", _NOTHING).get("EnableNetworkIsolation", False),
    )


def program_of_step(arguments: Document) -> ProcessingSpec | None:
    """What the arguments of a pipeline's step say of its program, and nothing else of the job; None if functions say it."""
    app, role = arguments.get("AppSpecification"), arguments.get("RoleArn")
    if app is None or is_function(app) or not isinstance(app.get("ImageUri"), str) or not isinstance(role, str):
        return None
    entrypoint = app.get("ContainerEntrypoint") or ()
    return ProcessingSpec(role_arn=role, image=app["ImageUri"], entrypoint=tuple(map(str, entrypoint)))


def _input(given: Document) -> ProcessingInput:
    source = given["S3Input"]
    return ProcessingInput(
        name=given["InputName"],
        source=S3DataSource(
            s3_uri=source["S3Uri"],
            s3_data_type=source["S3DataType"],
            s3_data_distribution_type=source["S3DataDistributionType"],
        ),
        local_path=None if given["AppManaged"] else source["LocalPath"],
        input_mode=source["S3InputMode"],
    )


def _output(given: Document) -> ProcessingOutput:
    target = given["S3Output"]
    return ProcessingOutput(
        name=given["OutputName"],
        s3_uri=target["S3Uri"],
        local_path=None if given["AppManaged"] else target["LocalPath"],
        continuous=target["S3UploadMode"] == "Continuous",
    )


def in_container(job: ProcessingJob) -> Document:
    """Content of processingjobconfig.json, in which absent members are null."""
    request, config = job.request, job.request.get("ProcessingOutputConfig", _NOTHING)
    cluster = {"InstanceCount": 1, "InstanceType": job.spec.instance_type, "VolumeKmsKeyId": None}
    app = {"ContainerEntrypoint": None, "ContainerArguments": None, **request["AppSpecification"]}
    return {
        "ProcessingJobArn": job.arn,
        "ProcessingJobName": job.name,
        "Environment": request.get("Environment", {}),
        "AppSpecification": app,
        "ProcessingInputs": [
            {**given, "S3Input": {**given["S3Input"], "S3DownloadMode": "StartOfJob"}} if "S3Input" in given else given
            for given in request.get("ProcessingInputs", ())
        ],
        "ProcessingOutputConfig": {"KmsKeyId": None, "Outputs": [], **config},
        "ProcessingResources": {"ClusterConfig": {**cluster, **request["ProcessingResources"]["ClusterConfig"]}},
        "NetworkConfig": request.get("NetworkConfig"),
        "RoleArn": job.spec.role_arn,
        "StoppingCondition": request["StoppingCondition"],
    }


def described(job: ProcessingJob) -> Document:
    """Answer of DescribeProcessingJob."""
    return present(
        {
            **job.request,
            "ProcessingJobArn": job.arn,
            "ProcessingJobStatus": job.status.value,
            "ExitMessage": job.exit_message,
            "FailureReason": job.failure_reason,
            "CreationTime": milliseconds(job.created),
            "ProcessingStartTime": milliseconds(job.started),
            "ProcessingEndTime": milliseconds(job.ended),
            "LastModifiedTime": milliseconds(job.modified),
        }
    )


def summary(job: ProcessingJob) -> Document:
    """An item of ProcessingJobSummaries."""
    return present(
        {
            "ProcessingJobName": job.name,
            "ProcessingJobArn": job.arn,
            "CreationTime": milliseconds(job.created),
            "ProcessingEndTime": milliseconds(job.ended),
            "LastModifiedTime": milliseconds(job.modified),
            "ProcessingJobStatus": job.status.value,
            "FailureReason": job.failure_reason,
            "ExitMessage": job.exit_message,
        }
    )
