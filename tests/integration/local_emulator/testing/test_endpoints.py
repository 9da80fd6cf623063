"""Endpoints inside a test: their programs run, and are gone when it ends."""

import json
import sys
from pathlib import Path

import pytest

from local_emulator.runs.process import living
from local_emulator.testing import emulated_sagemaker
from tests.conftest import ROOT, source_archive
from tests.integration.local_emulator.testing.clients import aws_client

PROGRAM = ROOT / "tests" / "acceptance" / "programs" / "serving.py"


def test_an_endpoint_inside_a_test(tmp_path: Path) -> None:
    with emulated_sagemaker(images={"mine:*": (sys.executable, str(PROGRAM))}, state=tmp_path, stop_grace=1.0):
        s3, sagemaker, runtime = (aws_client(name) for name in ("s3", "sagemaker", "sagemaker-runtime"))
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="model.tar.gz", Body=source_archive({"factor": "7"}))
        sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "mine:1", "ModelDataUrl": "s3://bucket/model.tar.gz"})
        variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="e")
        answer = runtime.invoke_endpoint(EndpointName="e", Body=json.dumps([1, 2]))
        assert json.loads(answer["Body"].read()) == [7, 14]
        stream = runtime.invoke_endpoint_with_response_stream(EndpointName="e", Body="[3]")
        assert b"".join(event["PayloadPart"]["Bytes"] for event in stream["Body"]) == b"[21]"
        with pytest.raises(runtime.exceptions.ModelError):
            runtime.invoke_endpoint(EndpointName="e", Body="no JSON")
    assert not living(tmp_path / "runs")
