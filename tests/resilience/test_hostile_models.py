"""What models and the programs that serve them may do, by accident or on purpose: it costs their own requests, and nothing is left."""

import io
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_emulator.runs.process import living
from tests.conftest import ROLE, ROOT, Server, source_archive, until

IMAGE, BUCKET = "mine/badly:1", "hostile"
PROGRAM = ROOT / "tests" / "acceptance" / "programs" / "serving_badly.py"

# Answers of a program, and the original status that ModelError tells of them; None of one that is good.
ANSWERS: Mapping[str, int | None] = {
    "half": 0,
    "half-a-chunk": 0,
    "half-a-head": 0,
    "nothing": 0,
    "bytes": 0,
    "endless-head": 0,
    "no-size-of-a-chunk": 0,
    "size-below-zero": 0,
    "two-sizes": 0,
    "elsewhere": 302,
    "bytes-as-error": 500,
    "large": 200,
    "more-than-its-size": None,
    "children": None,
}


def archive(*members: tuple[str, bytes, str]) -> bytes:
    """A tar.gz of members: name, type (`tarfile`'s), and content or where a link leads."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, kind, text in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            if kind == tarfile.REGTYPE:
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
            else:
                member.linkname = text
                tar.addfile(member)
    return content.getvalue()


def archives(outside: Path) -> Mapping[str, tuple[bytes, str]]:
    """Archives by their names, and what the reason says of each."""
    file, link = tarfile.REGTYPE, tarfile.SYMTYPE
    return {
        "link-out": (
            archive(("weights", file, "w"), ("etc", link, "/etc")),
            "'etc' is a link to '/etc', which is no relative path",
        ),
        "through": (archive(("d", link, str(outside)), ("d/x", file, "x")), "which is no relative path"),
        "up": (archive(("up", link, "../../x")), "'up' is a link to '../../x', which leads out of the folder"),
        "hard": (archive(("p", tarfile.LNKTYPE, "/etc/passwd")), "which is no relative path"),
        "device": (archive(("zero", tarfile.CHRTYPE, "")), "'zero' is neither a file nor a folder nor a link"),
        "nothing": (b"", "the archive is broken or no tar archive: empty file"),
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    command = f"{IMAGE}={sys.executable} {PROGRAM}"
    server = Server(
        tmp_path_factory.mktemp("badly") / "state", ("--image", command, "--stop-grace", "1", "--parallel", "4")
    ).start()
    try:
        server.client("s3").create_bucket(Bucket=BUCKET)
        put(server, "good", source_archive({"weights": "w"}))
        yield server
        nothing_is_left(server)
    finally:
        server.remove()


def put(server: Server, name: str, content: bytes) -> None:
    server.client("s3").put_object(Bucket=BUCKET, Key=f"{name}.tar.gz", Body=content)


def nothing_is_left(server: Server) -> None:
    until(lambda: not living(server.state / "runs") and not list((server.state / "work").iterdir()))
    assert str(server.state) not in Path("/proc/mounts").read_text()


def make_model(server: Server, name: str, data: str = "good", behaviour: str = "") -> None:
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{data}.tar.gz", "Environment": {"BEHAVIOUR": behaviour}}
    server.client("sagemaker").create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)


def deploy(server: Server, name: str, *args: str) -> None:
    sagemaker = server.client("sagemaker")
    make_model(server, name, *args)
    variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


@pytest.mark.slow(20)
def test_endpoints(server: Server, tmp_path: Path) -> None:
    sagemaker, bad = server.client("sagemaker"), archives(tmp_path)
    for name, (content, _) in bad.items():
        put(server, name, content)
    words = {"ends": "The primary container for production variant v did not pass the ping health check."}
    names = ["good", "prints", *words, *bad]
    for name in names:
        deploy(server, name, name if name in bad else "good", name)

    def settled(name: str) -> Any:
        described = sagemaker.describe_endpoint(EndpointName=name)
        return described if described["EndpointStatus"] != "Creating" else None

    assert until(lambda: settled("good"))["EndpointStatus"] == "InService"
    invoke = invoker(server)
    for name, status in ANSWERS.items():  # while the others come up
        if status is None:
            assert invoke(name) == b"[2]", name
        else:
            with pytest.raises(ClientError) as refused:
                invoke(name)
            error: Any = refused.value.response
            assert (error["Error"]["Code"], error["OriginalStatusCode"]) == ("ModelError", status), name
        assert invoke("good") == b"[2]", name
    reasons = {name: until(partial(settled, name)).get("FailureReason", "") for name in names}
    for name, said in {**words, **{name: said for name, (_, said) in bad.items()}}.items():
        assert said in reasons[name], (name, reasons[name])
    assert reasons["good"] == reasons["prints"] == ""
    assert list(tmp_path.iterdir()) == []
    for name in names:
        sagemaker.delete_endpoint(EndpointName=name)
    until(lambda: not sagemaker.list_endpoints()["Endpoints"])
    nothing_is_left(server)


def invoker(server: Server) -> Callable[[str], bytes]:
    """Asks the endpoint `good` for an answer, once."""
    runtime = boto3.client(
        "sagemaker-runtime",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )

    def invoke(answer: str) -> bytes:
        body: bytes = runtime.invoke_endpoint(EndpointName="good", Body=answer.encode())["Body"].read()
        return body

    return invoke


def transform(server: Server, name: str, model: str = "transforms", to: str = f"s3://{BUCKET}/out", **files: bytes) -> None:
    for key, content in files.items():
        server.client("s3").put_object(Bucket=BUCKET, Key=f"in/{name}/{key}", Body=content)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/{name}"}}
    server.client("sagemaker").create_transform_job(
        TransformJobName=name,
        ModelName=model,
        MaxPayloadInMB=1,
        ModelClientConfig={"InvocationsTimeoutInSeconds": 60, "InvocationsMaxRetries": 1},
        TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"{to}/{name}"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )


@pytest.mark.slow(30)
def test_transform_jobs(server: Server) -> None:
    """The other file of each job has its answer."""
    sagemaker, s3 = server.client("sagemaker"), server.client("s3")
    of_server = "AlgorithmError: See job logs for more information"
    expected = {name: (None if status in {None, 200} else of_server) for name, status in ANSWERS.items()}
    expected |= {"no-line-end": "ClientError: Too much data for max payload size"}
    make_model(server, "transforms")
    make_model(server, "is-sick", "good", "sick")
    for name in expected:
        transform(server, name, a=b"good\n", b=b"x" * (2**20 + 1) if name == "no-line-end" else name.encode())
    odd = f"s3://{BUCKET}/o ü%20+&=;?#/."
    transform(server, "odd", to=odd, a=b"good")
    transform(server, "nowhere", to="s3://nobodys", a=b"good")
    transform(server, "sick", "is-sick", a=b"good")
    sagemaker.stop_transform_job(TransformJobName="sick")
    expected |= {
        "odd": None,
        "sick": None,
        "nowhere": (
            "ClientError: Failed to upload the output to s3://nobodys/nowhere. NoSuchBucket (404): The specified bucket does not exist"
        ),
    }
    jobs = {name: until(partial(ended, sagemaker, name)) for name in expected}
    assert {name: job.get("FailureReason") for name, job in jobs.items()} == expected
    assert jobs["sick"]["TransformJobStatus"] == "Stopped"
    for name in expected.keys() - {"odd", "sick", "nowhere"}:
        listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"out/{name}/")["Contents"]]
        assert listed == [f"out/{name}/{key}.out" for key in ("ab" if expected[name] is None else "a")], name
    key = f"{odd.removeprefix(f's3://{BUCKET}/')}/odd/a.out"
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"[2]"
    nothing_is_left(server)


def ended(sagemaker: Any, name: str) -> Any:
    job = sagemaker.describe_transform_job(TransformJobName=name)
    return job if job["TransformJobStatus"] not in {"InProgress", "Stopping"} else None
