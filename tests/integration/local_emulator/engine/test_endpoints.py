"""Endpoints whose programs really run: in service, updated, broken, killed, deleted."""

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_emulator.runs.process import living
from tests.conftest import ROOT, Server, source_archive

IMAGE = "mine/factor:1"
PROGRAM = ROOT / "tests" / "acceptance" / "programs" / "serving.py"
WAITS = 120.0  # seconds, on a loaded machine


class World:
    """A server, and endpoints by their names."""

    def __init__(self, server: Server) -> None:
        self.server = server
        s3 = self.client("s3")
        s3.create_bucket(Bucket="bucket")
        for factor in (2, 3):
            s3.put_object(Bucket="bucket", Key=f"{factor}.tar.gz", Body=source_archive({"factor": str(factor)}))
        s3.put_object(Bucket="bucket", Key="empty.tar.gz", Body=source_archive({"readme": "no model"}))
        s3.put_object(Bucket="bucket", Key="broken.tar.gz", Body=b"no archive")

    def client(self, service: str) -> Any:
        return self.server.client(service)

    def configure(self, name: str, model: str = "2", count: int = 1, **environment: str) -> None:
        sagemaker = self.client("sagemaker")
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://bucket/{model}.tar.gz", "Environment": environment}
        sagemaker.create_model(ModelName=name, PrimaryContainer=container)
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": count}
        variant["ContainerStartupHealthCheckTimeoutInSeconds"] = 60
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])

    def create(self, name: str, *args: Any, **changes: Any) -> None:
        self.configure(name, *args, **changes)
        self.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)

    def described(self, name: str) -> dict[str, Any]:
        described: dict[str, Any] = self.client("sagemaker").describe_endpoint(EndpointName=name)
        return described

    def settled(self, name: str) -> dict[str, Any]:
        settled: dict[str, Any] = self.until(
            lambda: self.described(name), lambda made: made["EndpointStatus"] in {"InService", "Failed"}
        )
        return settled

    def invoke(self, name: str, body: object) -> Any:
        answer = self.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=json.dumps(body))
        return json.loads(answer["Body"].read())

    def delete(self, *names: str) -> None:
        for name in names:
            self.client("sagemaker").delete_endpoint(EndpointName=name)
        for name in names:
            self.until(partial(self.error, partial(self.described, name)), lambda error: "Could not find endpoint" in error)

    @staticmethod
    def error(call: Callable[[], object]) -> str:
        try:
            return str(call())
        except ClientError as error:
            return str(error)

    @staticmethod
    def until(look: Callable[[], Any], so: Callable[[Any], object]) -> Any:
        deadline = time.monotonic() + WAITS
        while not so(seen := look()):
            assert time.monotonic() < deadline, seen
            time.sleep(0.05)
        return seen

    def log(self, name: str) -> list[str]:
        logs, group = self.client("logs"), f"/aws/sagemaker/Endpoints/{name}"
        streams = [stream["logStreamName"] for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]]
        assert all(stream.startswith("v/i-") for stream in streams)
        read = [logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"] for stream in streams]
        return [event["message"] for events in read for event in events]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    arguments = ("--image", f"{IMAGE}={sys.executable} {PROGRAM}", "--stop-grace", "1", "--parallel", "1")
    server = Server(tmp_path_factory.mktemp("endpoints") / "state", arguments).start()
    try:
        made = World(server)
        yield made
        assert not living(server.state / "runs")
    finally:
        server.remove()


def test_an_endpoint_serves_is_updated_and_goes(world: World) -> None:
    world.create("e")
    assert world.settled("e")["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert world.invoke("e", [1, 2]) == [2, 4]
    world.configure("next", "3", count=2)
    world.client("sagemaker").update_endpoint(EndpointName="e", EndpointConfigName="next")
    while world.described("e")["EndpointStatus"] == "Updating":
        assert world.invoke("e", [1]) in ([2], [3])  # at every moment one of the two answers
    assert world.invoke("e", [1]) == [3]
    assert len({world.invoke("e", "pid") for _ in range(4)}) == 2
    assert world.settled("e")["EndpointConfigName"] == "next"
    assert {"serving the factor 2", "serving the factor 3"} <= set(world.log("e"))
    metrics = world.client("cloudwatch").list_metrics(Namespace="AWS/SageMaker")["Metrics"]
    assert {"Invocations", "ModelLatency", "Invocation5XXErrors"} <= {metric["MetricName"] for metric in metrics}
    world.delete("e")
    assert "serving the factor 3" in world.log("e")
    assert not living(world.server.state / "runs")


def test_containers_in_sequence(world: World) -> None:
    """Each has its own /opt/ml and log; one that does not come up is named, and one that dies takes the other along."""
    sagemaker = world.client("sagemaker")

    def create(name: str, *models: str, **second: str) -> None:
        environments: list[dict[str, str]] = [{}, second]
        containers = [
            {"Image": IMAGE, "ModelDataUrl": f"s3://bucket/{model}.tar.gz", "Environment": environment}
            for model, environment in zip(models, environments, strict=True)
        ]
        containers[0]["ContainerHostname"] = "doubles"
        sagemaker.create_model(ModelName=name, Containers=containers)
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    create("both", "2", "3")
    create("half", "2", "empty")
    assert world.settled("both")["EndpointStatus"] == "InService"
    assert world.invoke("both", [1, 2]) == [6, 12]
    logs = world.client("logs").describe_log_streams(logGroupName="/aws/sagemaker/Endpoints/both")["logStreams"]
    assert sorted(stream["logStreamName"].split("/", 2)[2] for stream in logs) == ["container-2", "doubles"]
    assert "serving the factor 3" in world.log("both")
    assert world.settled("half")["FailureReason"].startswith("The container-2 container for production variant v did not pass")
    assert "(ModelError)" in world.error(lambda: world.invoke("both", "die"))
    world.until(lambda: world.error(lambda: world.invoke("both", [1])), lambda answer: answer == "[6]")
    world.delete("both", "half")
    assert not living(world.server.state / "runs")


def test_what_cannot_be_served(world: World) -> None:
    """A model archive without a model, one that is none, and a model that went away."""
    world.create("empty", "empty")
    world.create("broken", "broken")
    world.client("s3").put_object(Bucket="bucket", Key="gone.tar.gz", Body=source_archive({}))
    world.configure("gone", "gone")
    world.client("s3").delete_object(Bucket="bucket", Key="gone.tar.gz")
    world.client("sagemaker").create_endpoint(EndpointName="gone", EndpointConfigName="gone")
    reasons = {name: world.settled(name).get("FailureReason", "") for name in ("empty", "broken", "gone")}
    assert reasons["empty"] == (
        "The primary container for production variant v did not pass the ping health check. Please check CloudWatch logs for this "
        "endpoint."
    )
    assert reasons["broken"].startswith('Failed to extract model data archive for container "container_1" from URL "s3://bucket/')
    assert reasons["gone"].startswith('Failed to download model data for container "container_1" from URL: "s3://bucket/gone')
    assert any("FileNotFoundError" in line for line in world.log("empty"))
    missing = world.error(lambda: world.configure("never", "never"))
    assert missing.endswith("Could not find model data at s3://bucket/never.tar.gz.")
    world.delete("empty", "broken", "gone")


def test_a_program_that_dies_is_begun_again_and_one_that_does_not_end_is_killed(world: World) -> None:
    world.create("stubborn", BEHAVIOUR="stubborn")
    world.settled("stubborn")
    before = world.invoke("stubborn", "pid")
    error = world.error(lambda: world.invoke("stubborn", "die"))
    assert "(ModelError)" in error
    again = world.until(lambda: world.error(lambda: world.invoke("stubborn", "pid")), lambda answer: answer.isdecimal())
    assert again != before
    world.delete("stubborn")
    assert not living(world.server.state / "runs")


def test_endpoints_outlive_the_emulator(world: World) -> None:
    """Killed while an endpoint serves, and while one comes up."""
    world.create("lives")
    world.settled("lives")
    process = world.invoke("lives", "pid")
    world.create("comes")
    world.server.end(signal.SIGKILL)
    world.server.start()
    assert world.invoke("lives", "pid") == process
    assert world.settled("comes")["EndpointStatus"] == "InService"
    assert world.invoke("comes", [1]) == [2]
    assert world.client("sagemaker").describe_endpoint_config(EndpointConfigName="comes")["EndpointConfigName"] == "comes"
    world.client("sagemaker").delete_endpoint(EndpointName="lives")
    world.server.end(signal.SIGKILL)
    world.server.start()
    world.until(lambda: world.error(lambda: world.described("lives")), lambda error: "Could not find endpoint" in error)
    assert not Path(f"/proc/{process}").exists()
    world.delete("comes")
    world.server.end(signal.SIGKILL)
    world.server.start()
    for deleted in ("lives", "comes"):
        assert world.log(deleted).count("serving the factor 2") == 1, "a log group outlives its endpoint"
    world.client("logs").delete_log_group(logGroupName="/aws/sagemaker/Endpoints/lives")
    world.server.end(signal.SIGKILL)
    world.server.start()
    groups = [group["logGroupName"] for group in world.client("logs").describe_log_groups()["logGroups"]]
    assert "/aws/sagemaker/Endpoints/comes" in groups
    assert "/aws/sagemaker/Endpoints/lives" not in groups, "its user has deleted it"
