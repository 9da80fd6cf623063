"""A pipeline with a step of every kind that starts something, and what is known outside of it afterwards.

A processing job makes records and a report; a training job's model transforms the records; a condition reads the report and the best
training job of a tuning job; then a model package is registered and a last training job runs.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tests.conftest import tuning_request

GROUP = "kills"
JOBS = 2  # training jobs of the tuning step
STEPS = ["First", "Tune", "Process", "Model", "Transform", "Check", "Register", "Last"]
RECORDS = 4
IMAGE = "serves:kills"
ROLE = "arn:aws:iam::123456789012:role/Role"
# Writes down what it is asked, and takes its time.
SERVES = """
import http.server, os, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ping" else 404)
        self.end_headers()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(os.environ["LEDGER"], "ab") as ledger:
            ledger.write(body)
        time.sleep(0.2)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.upper())

http.server.HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
_PROCESSES = (
    'echo "processed $1" >> "$LEDGER"; sleep 0.1; cd /opt/ml/processing; echo \'{"good": 1}\' > report/report.json; '
    f'for number in $(seq {RECORDS}); do echo "$1 record $number"; done > records/text'
)
_EXECUTION = {"Get": "Execution.PipelineExecutionId"}


def definition(source: str, bucket: str, ledger: Path, channel: Mapping[str, Any]) -> str:
    """The pipeline's document; scripts write to `ledger`, other programs beside it."""
    request = tuning_request("unused", source, bucket=bucket, jobs=JOBS, config={"Strategy": "Random"})
    del request["HyperParameterTuningJobName"]
    job = request["TrainingJobDefinition"]
    job["Environment"] = {"LEDGER": str(ledger)}
    job["InputDataConfig"] = [channel]
    hyperparameters = {**job.get("StaticHyperParameters", {}), "x": "3"}
    kept = ("AlgorithmSpecification", "RoleArn", "OutputDataConfig", "ResourceConfig", "StoppingCondition", "Environment")
    training = {**{member: job[member] for member in kept}, "InputDataConfig": [channel], "HyperParameters": hyperparameters}
    steps = [
        {"Name": "First", "Type": "Training", "Arguments": training},
        {"Name": "Tune", "Type": "Tuning", "Arguments": request},
        _processing(bucket, written_by_steps(ledger)),
        *_transforming(bucket, written_by_steps(ledger)),
        _check(training),
    ]
    return json.dumps({"Version": "2020-12-01", "Steps": steps})


def written_by_steps(ledger: Path) -> Path:
    """Where programs other than scripts write."""
    return ledger.with_name("steps")


def _place(bucket: str, name: str) -> Any:
    return {"Std:Join": {"On": "/", "Values": [f"s3://{bucket}/executions", _EXECUTION, name]}}


def _processing(bucket: str, ledger: Path) -> dict[str, Any]:
    outputs = [
        {
            "OutputName": name,
            "S3Output": {"S3Uri": _place(bucket, name), "LocalPath": f"/opt/ml/processing/{name}", "S3UploadMode": "EndOfJob"},
        }
        for name in ("records", "report")
    ]
    command = ["/bin/sh", "-ec", _PROCESSES, "sh"]
    return {
        "Name": "Process",
        "Type": "Processing",
        "Arguments": {
            "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": "any", "ContainerEntrypoint": command, "ContainerArguments": [_EXECUTION]},
            "Environment": {"LEDGER": str(ledger)},
            "ProcessingOutputConfig": {"Outputs": outputs},
            "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
        },
        "PropertyFiles": [{"PropertyFileName": "Report", "OutputName": "report", "FilePath": "report.json"}],
    }


def _transforming(bucket: str, ledger: Path) -> list[dict[str, Any]]:
    data = {"Get": "Steps.First.ModelArtifacts.S3ModelArtifacts"}
    container = {"Image": IMAGE, "ModelDataUrl": data, "Environment": {"LEDGER": str(ledger)}}
    records = {"Get": "Steps.Process.ProcessingOutputConfig.Outputs['records'].S3Output.S3Uri"}
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": records}}
    transform = {
        "ModelName": {"Get": "Steps.Model.ModelName"},
        "BatchStrategy": "SingleRecord",
        "TransformInput": {"DataSource": source, "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": _place(bucket, "transformed")},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    return [
        {"Name": "Model", "Type": "Model", "Arguments": {"PrimaryContainer": container, "ExecutionRoleArn": ROLE}},
        {"Name": "Transform", "Type": "Transform", "Arguments": transform},
    ]


def _check(training: Mapping[str, Any]) -> dict[str, Any]:
    best = {"Get": "Steps.Tune.BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value"}
    good = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Process.PropertyFiles.Report"}, "Path": "good"}}
    model = {"Get": "Steps.First.ModelArtifacts.S3ModelArtifacts"}
    specification = {
        "Containers": [{"Image": "image", "ModelDataUrl": model}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    register = {"ModelPackageGroupName": GROUP, "InferenceSpecification": specification}
    branch = [
        {"Name": "Register", "Type": "RegisterModel", "Arguments": register},
        {"Name": "Last", "Type": "Training", "Arguments": training, "DependsOn": ["Register"]},
    ]
    conditions = [
        {"Type": "GreaterThan", "LeftValue": best, "RightValue": 0},
        {"Type": "Equals", "LeftValue": good, "RightValue": 1},
    ]
    return {
        "Name": "Check",
        "Type": "Condition",
        "Arguments": {"Conditions": conditions, "IfSteps": branch, "ElseSteps": []},
        "DependsOn": ["First", "Transform"],
    }


def content(s3: Any, bucket: str, key: str) -> bytes:
    """An object's content; of one that is not there, what S3 says."""
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        return str(error).encode()
    return body


def check_outside(
    client: Callable[[str], Any], bucket: str, ledger: Path, executions: list[str], expect: Callable[[object, str], None]
) -> None:
    """Compare what the steps of executions (by their ids) left in S3 and in the ledger with what they ought to."""
    written = written_by_steps(ledger)
    ran = Counter(written.read_text().splitlines() if written.exists() else ())
    for execution in executions:
        records = [f"{execution} record {number + 1}" for number in range(RECORDS)]
        for line in (f"processed {execution}", *records):
            expect(ran[line] == 1, f"{line!r} happened {ran[line]} times")
        body = content(client("s3"), bucket, f"executions/{execution}/transformed/text.out").decode()
        expect(body.splitlines() == [record.upper() for record in records], f"{execution} has transformed {body!r}")
    expect(len(ran) == len(executions) * (1 + RECORDS), f"{len(ran)} things happened in {len(executions)} executions")
    sagemaker = client("sagemaker")
    for operation, member in (
        ("list_processing_jobs", "ProcessingJobSummaries"),
        ("list_transform_jobs", "TransformJobSummaries"),
    ):
        pages = sagemaker.get_paginator(operation).paginate(NameContains="pipelines-")
        count = sum(len(page[member]) for page in pages)
        expect(count == len(executions), f"{operation}: {count} jobs of {len(executions)} executions")
    models = sum(len(page["Models"]) for page in sagemaker.get_paginator("list_models").paginate())
    expect(models == len(executions), f"{models} models of {len(executions)} executions")
