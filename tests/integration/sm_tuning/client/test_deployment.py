"""A tuning job's best model behind an endpoint and in the registry, on the emulator inside this test."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError

from local_emulator.testing import emulated_sagemaker
from sm_tuning import Endpoint, NotFound, NotServed, Script, TuningRun
from sm_tuning.client.deployment import BestTraining, endpoint
from tests.unit.sm_tuning.descriptions import Make

SCRIPT = """
import json, os, sys
def model_fn(folder):
    return json.load(open(folder + "/model.json"))
def predict_fn(data, model):
    return data * model
if __name__ == "__main__":
    json.dump(3.0, open(os.environ["SM_MODEL_DIR"] + "/model.json", "w"))
    print("score=1")
"""


@pytest.fixture
def run(job: Make, tmp_path: Path) -> Iterator[TuningRun]:
    """A tuning job that has ended."""
    (tmp_path / "train.py").write_text(SCRIPT)
    with emulated_sagemaker():
        boto3.client("s3").create_bucket(Bucket="bucket")
        launched = job(max_jobs=1).launch()
        launched.wait(poll=0.05, timeout=120)
        yield launched


clients: Any = boto3.client


def best(run: TuningRun) -> BestTraining:
    training = run.best()
    assert training is not None
    return training


def as_in_aws(service: str) -> Any:
    """A client whose errors end where AWS's end."""

    def cut(parsed: dict[str, Any], **_: object) -> None:
        if "Error" in parsed:
            parsed["Error"]["Message"] = parsed["Error"]["Message"].partition(" The log says: ")[0]

    client = clients(service)
    client.meta.events.register("after-call", cut)
    return client


def failure(served: Endpoint) -> ClientError:
    with pytest.raises(ClientError, match=r"\(500\)") as failed:
        served.predict("a", content_type="application/json")
    return failed.value


def test_the_best_model_is_served_until_it_is_deleted(run: TuningRun, tmp_path: Path) -> None:
    training = best(run)
    assert training.name == run.trainings()[0].name
    served = training.serve(timeout=120)
    assert served == run.endpoint(training.name)
    assert served.predict("1,2\n3,4") == b"[[3.0, 6.0], [9.0, 12.0]]"
    assert served.predict(b"[[1]]", content_type="application/json", accept="text/csv") == b"3.0\n"
    assert training.serve() == served, "it is there already"
    (tmp_path / "other.py").write_text("def model_fn(folder): raise OSError('no such weights')\n")
    with pytest.raises(NotServed, match=rf"the endpoint {training.name} is there already \(.*/invocations\) and serves another"):
        training.serve(script=Script(str(tmp_path / "other.py")))
    with pytest.raises(NotServed, match="or on another instance type: delete it first"):
        training.serve(instance_type="ml.m5.xlarge")
    assert served.predict("1,2\n3,4"), "the one that was there is left"
    assert "for more information. The log says: json.decoder.JSONDecodeError: Expecting value" in str(failure(served))
    assert not hasattr(failure(served), "__notes__")
    # The log may come a moment after the answer.
    in_aws = replace(served, clients=as_in_aws)
    note = next(notes[0] for _ in range(100) if (notes := getattr(failure(in_aws), "__notes__", [])))
    assert note.startswith(f"The last error in the endpoint's log (/aws/sagemaker/Endpoints/{training.name}): ")
    assert "JSONDecodeError: " in note
    assert served.delete() == ["endpoint", "configuration", "model"]
    assert served.delete() == []
    client = boto3.client("sagemaker")
    assert client.list_models()["Models"] == client.list_endpoint_configs()["EndpointConfigs"] == []
    with pytest.raises(NotServed, match=r"the endpoint again failed and was deleted: .* its log: OSError: no such weights"):
        training.serve(name="again", script=Script(str(tmp_path / "other.py")), timeout=120)
    assert client.list_models()["Models"] == []


def test_an_endpoint_that_is_being_created_is_not_said_to_be_deleted() -> None:
    asked = []

    def answer(operation_name: str, **_: Any) -> tuple[Any, Any]:
        asked.append(operation_name)
        if operation_name == "DescribeEndpoint":
            return AWSResponse("", 200, HTTPHeaders(), None), {"EndpointStatus": "Creating"}
        message = 'Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/mine".'
        return AWSResponse("", 400, HTTPHeaders(), None), {"Error": {"Code": "ValidationException", "Message": message}}

    client = boto3.client("sagemaker", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    client.meta.events.register_last("before-call.sagemaker", lambda model, **_: answer(model.name))
    endpoint_of_mine = Endpoint("mine", "us-east-1", "http://127.0.0.1:1/endpoints/mine/invocations", lambda _: client)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        endpoint_of_mine.delete()
    assert asked == ["DeleteEndpoint", "DescribeEndpoint"], "what it needs is left"


def test_the_best_model_is_registered(run: TuningRun) -> None:
    training = best(run)
    arn = training.register("models", approval="Approved")
    package = boto3.client("sagemaker").describe_model_package(ModelPackageName=arn)
    assert (package["ModelPackageGroupName"], package["ModelPackageVersion"], package["ModelApprovalStatus"]) == (
        "models",
        1,
        "Approved",
    )
    assert package["CustomerMetadataProperties"] == {"TuningJobName": run.name, "TrainingJobName": training.name, "score": "1"}
    (container,) = package["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"] == run.model_uri(training.name)
    assert container["Environment"]["SAGEMAKER_PROGRAM"] == "train.py"
    assert training.register("models").endswith("/models/2")
    with pytest.raises(NotServed, match="cannot be registered in models"):
        training.register("models", approval="Perhaps")


def test_a_script_without_model_fn_is_refused(job: Make, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("open('/opt/ml/model/weights', 'w').close(); print('score=1')\n")
    with emulated_sagemaker():
        boto3.client("s3").create_bucket(Bucket="bucket")
        launched = job(max_jobs=1).launch()
        launched.wait(poll=0.05, timeout=120)
        with pytest.raises(NotServed, match=r"the script train\.py of \S+ has no model_fn, so AWS's containers do not know"):
            best(launched).serve()
        with pytest.raises(NotFound, match="there is no training job 'nothing'"):
            launched.serve("nothing", instance_type="ml.m5.large", timeout=1)


def test_lines_that_ask_an_endpoint(run: TuningRun) -> None:
    named = run.endpoint("mine")
    assert named.curl.startswith(
        'curl --aws-sigv4 aws:amz:us-east-1:sagemaker --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" '
    )
    assert named.curl.endswith(" https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/mine/invocations")
    assert named.python.startswith(
        'boto3.client("sagemaker-runtime", region_name="us-east-1").invoke_endpoint(EndpointName="mine"'
    )
    local = Endpoint("mine", "us-east-1", "http://127.0.0.1:4577/endpoints/mine/invocations", clients)
    assert local.curl == (
        "curl --data-binary $'1,2,3\\n4,5,6' --header 'Content-Type: text/csv' http://127.0.0.1:4577/endpoints/mine/invocations"
    )
    assert 'endpoint_url="http://127.0.0.1:4577"' in local.python
    assert endpoint(clients, "mine") == named
