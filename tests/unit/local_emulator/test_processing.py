"""A processing job's request, parsed and shown, and what lies in its container."""

import json
from pathlib import Path
from typing import Any

import pytest

from local_emulator.documents import processing as documents
from local_emulator.domain.processing import ProcessingInput, ProcessingJob
from local_emulator.domain.spec import S3DataSource
from local_emulator.runs import processing as runs
from tests.made_jobs import processing

INPUT = {"InputName": "i", "S3Input": {"S3Uri": "s3://b/c", "S3DataType": "S3Prefix", "LocalPath": "/opt/ml/processing/in/"}}
OUTPUT = {
    "OutputName": "o",
    "S3Output": {"S3Uri": "s3://b/d", "S3UploadMode": "Continuous", "LocalPath": "/opt/ml/processing/out"},
}


def made(**members: Any) -> ProcessingJob:
    return processing("job", members={"ProcessingInputs": [INPUT], "ProcessingOutputConfig": {"Outputs": [OUTPUT]}, **members})


def test_a_request_is_parsed_with_its_defaults() -> None:
    spec = made().spec
    assert spec.inputs == (
        ProcessingInput(name="i", source=S3DataSource(s3_uri="s3://b/c"), local_path="/opt/ml/processing/in/"),
    )
    assert [(output.continuous, output.local_path) for output in spec.outputs] == [(True, "/opt/ml/processing/out")]
    assert (spec.max_runtime, spec.instance_count, [host.name for host in spec.hosts]) == (86400, 1, ["algo-1"])


def test_what_the_program_fetches_itself_has_no_path() -> None:
    managed = {"AppManaged": True}
    spec = made(ProcessingInputs=[{**INPUT, **managed}], ProcessingOutputConfig={"Outputs": [{**OUTPUT, **managed}]}).spec
    assert (spec.inputs[0].local_path, spec.outputs[0].local_path) == (None, None)


def test_the_first_preference_is_the_instance() -> None:
    preferences = [{"InstanceType": "ml.m5.xlarge", "InstanceCount": 3}, {"InstanceType": "ml.m5.large"}]
    job = made(ProcessingResources={"ClusterConfig": {"VolumeSizeInGB": 1, "InstancePreferences": preferences}})
    assert (job.spec.instance_type, job.slots) == ("ml.m5.xlarge", 3)
    assert documents.described(job)["ProcessingResources"]["ClusterConfig"]["SelectedInstanceCount"] == 3


def test_the_configuration_in_the_container(tmp_path: Path) -> None:
    job = made(ProcessingResources={"ClusterConfig": {"VolumeSizeInGB": 1, "InstanceType": "ml.m5.large", "InstanceCount": 2}})
    runs.lay_out(tmp_path / "ml", job, job.spec.hosts[1])
    config = tmp_path / "ml" / "config"
    assert json.loads((config / "resourceconfig.json").read_text()) == {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}
    facts = json.loads((config / "processingjobconfig.json").read_text())
    assert facts["ProcessingJobArn"] == job.arn
    assert facts["ProcessingInputs"][0]["S3Input"]["S3DownloadMode"] == "StartOfJob"
    assert facts["AppSpecification"]["ContainerArguments"] is None
    assert facts["ProcessingOutputConfig"]["KmsKeyId"] is None
    assert facts["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] is None
    assert (tmp_path / "ml" / "processing" / "out").is_dir(), "scripts write there without making it"


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("/opt/ml/processing/a", False),
        ("/opt/ml/processing/a/b/", False),
        ("/opt/ml/processing", True),
        ("/opt/ml/processing/../model", True),
        ("/opt/ml/processing2/a", True),
        ("opt/ml/processing/a", True),
        ("/opt/ml/processing/./", True),
    ],
)
def test_paths_are_below_processing(path: str, *, wrong: bool) -> None:
    assert runs.misplaced(path) is wrong


def test_a_path_of_the_container_lies_below_opt_ml() -> None:
    assert runs.below("/opt/ml/processing//a/") == "processing/a"
