"""What CreateProcessingJob may not say; each case breaks one rule and no other."""

from typing import Any

import pytest

from local_emulator.api.processing_rules import violations

INPUT = {"S3Uri": "s3://b/c", "S3DataType": "S3Prefix", "S3InputMode": "File", "LocalPath": "/opt/ml/processing/in"}
OUTPUT = {"S3Uri": "s3://b/c", "S3UploadMode": "EndOfJob", "LocalPath": "/opt/ml/processing/out"}
CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}


def request(inputs: Any = None, outputs: Any = None, cluster: Any = None) -> Any:
    return {
        "ProcessingInputs": [{"InputName": "a", "S3Input": INPUT}] if inputs is None else inputs,
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "a", "S3Output": OUTPUT}] if outputs is None else outputs},
        "ProcessingResources": {"ClusterConfig": cluster or CLUSTER},
    }


def given(**members: Any) -> Any:
    return [{"InputName": "a", "S3Input": {**INPUT, **members}}]


def taken(**members: Any) -> Any:
    return [{"OutputName": "a", "S3Output": {**OUTPUT, **members}}]


@pytest.mark.parametrize(
    "sound",
    [
        request(),
        request(inputs=[], outputs=[]),
        {"ProcessingResources": {"ClusterConfig": CLUSTER}},
        request(inputs=[{"InputName": "a", "AppManaged": True, "S3Input": {"S3Uri": "s3://b/c", "S3DataType": "S3Prefix"}}]),
        request(inputs=given(S3CompressionType="Gzip", S3InputMode="Pipe")),
        request(cluster={"VolumeSizeInGB": 1, "InstancePreferences": [{"InstanceType": "ml.m5.large", "InstanceCount": 2}]}),
        request(inputs=given(LocalPath="/opt/ml/processing/in/")),
    ],
)
def test_what_aws_takes(sound: Any) -> None:
    assert list(violations(sound)) == []


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (
            request(inputs=[*given(), *given(LocalPath="/opt/ml/processing/other")]),
            "InputName must be unique in ProcessingInputs: 'a' is there 2 times.",
        ),
        (
            request(outputs=[*taken(), *taken()]),
            "OutputName must be unique in ProcessingOutputConfig.Outputs: 'a' is there 2 times.",
        ),
        (
            request(inputs=[*given(), {"InputName": "b", "S3Input": {**INPUT, "LocalPath": "/opt/ml/processing/in/"}}]),
            "The LocalPath '/opt/ml/processing/in' is that of 2 inputs; each needs its own.",
        ),
        (
            request(inputs=[{"InputName": "a", "DatasetDefinition": {}}]),
            "The input 'a' has a DatasetDefinition, which is not emulated: nothing here would ask Athena or Redshift. Use an S3Input.",
        ),
        (request(inputs=[{"InputName": "a"}]), "The input 'a' must have an S3Input or a DatasetDefinition."),
        (request(outputs=[{"OutputName": "a"}]), "The output 'a' must have an S3Output or a FeatureStoreOutput."),
        (
            request(outputs=[{"OutputName": "a", "FeatureStoreOutput": {"FeatureGroupName": "g"}}]),
            "The output 'a' has a FeatureStoreOutput, which is not emulated: there is no feature store. Use an S3Output.",
        ),
        (
            request(inputs=given(LocalPath="/opt/ml/input")),
            "The LocalPath '/opt/ml/input' of the input 'a' must begin with /opt/ml/processing/.",
        ),
        (
            request(outputs=taken(LocalPath="/opt/ml/processing/../model")),
            "The LocalPath '/opt/ml/processing/../model' of the output 'a' must begin with /opt/ml/processing/.",
        ),
        (
            request(outputs=taken(LocalPath=None)),
            "The output 'a' must have a LocalPath, unless AppManaged is true.",
        ),
        (
            request(inputs=given(S3CompressionType="Gzip")),
            "The input 'a' has the S3CompressionType Gzip, which needs the S3InputMode Pipe.",
        ),
        (
            request(cluster={"VolumeSizeInGB": 1}),
            "ProcessingResources.ClusterConfig must have an InstanceType or InstancePreferences.",
        ),
    ],
)
def test_what_is_refused(broken: Any, sentence: str) -> None:
    assert [violation.message for violation in violations(broken)] == [sentence]
