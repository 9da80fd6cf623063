"""What processing scripts may do, by accident or on purpose: it ends their own job, in words, and touches nothing else."""

# ruff: noqa: E501 - a table is read by its rows

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local_emulator.runs.process import living
from tests.conftest import ROLE, Server, until
from tests.resilience.test_hostile_scripts import PRELUDE

BUCKET, OUT = "hostile", "/opt/ml/processing/out"
COMPLETED, FAILED = "Completed", "Failed"


class Behaviour(NamedTuple):
    """What a script does, how its job must end (words of its FailureReason if it fails), and what its output must be."""

    code: str
    words: str | None = None
    files: tuple[str, ...] = ()


# fmt: off
TABLE = {
    # its output
    "out-a-file": Behaviour("out.rmdir(); out.write_text('x')", "/opt/ml/processing/out was replaced by a file; it must be a folder"),
    "out-a-link": Behaviour("out.rmdir(); out.symlink_to('/etc/apt')", "/opt/ml/processing/out was replaced by a link; it must be a folder"),
    "all-a-link": Behaviour("shutil.move(ml / 'processing', ml / 'p'); (ml / 'processing').symlink_to('/etc')", "/opt/ml/processing was replaced by a link"),
    "out-removed": Behaviour("out.rmdir()"),
    "all-removed": Behaviour("shutil.rmtree(ml, ignore_errors=True)"),
    "all-kinds": Behaviour("os.mkfifo(out / 'fifo'); (out / 'l').symlink_to('/etc/passwd'); (out / 'w').write_text('w')", files=("w",)),
    "odd-names": Behaviour("[(out / name).touch() for name in ('a b', 'ü', '%20', '&=;?#')]", files=("%20", "&=;?#", "a b", "ü")),
    "no-name": Behaviour("open(b'/opt/ml/processing/out/\\xff', 'w').close()", "the name of the file '\\udcff' is not UTF-8"),
    "control-name": Behaviour("(out / '\\x01').touch()", "has characters that S3's lists cannot show"),
    "deep": Behaviour("deep(out, 'd', 1200)", "bytes, more than S3's 1,024"),
    "huge": Behaviour("open(out / 'w', 'wb').truncate(2**31)", "AlgorithmError: , exit code: 1"),
    "daemon": Behaviour("if os.fork() == 0:\n os.setsid()\n while True: open(out / 'w', 'a').write('w' * 1000)\nwhile not (out / 'w').exists(): pass", files=("w",)),
    # its message and its configuration
    "message-a-fifo": Behaviour("os.mkfifo(ml / 'output/message')"),
    "message-a-device": Behaviour("(ml / 'output/message').symlink_to('/dev/zero')"),
    "message-a-folder": Behaviour("(ml / 'output/message').mkdir(); sys.exit(3)", "AlgorithmError: , exit code: 3"),
    "output-a-file": Behaviour("shutil.rmtree(ml / 'output'); (ml / 'output').write_text('x')"),
    "input-changed": Behaviour("(ml / 'processing/in/a').write_text('changed'); shutil.rmtree(ml / 'processing/in', ignore_errors=True)"),
    "supervisor": Behaviour("seen(); os.kill(supervisor(), 9); forever()", "InternalServerError: We encountered an internal error. Please try again."),
}
# fmt: on


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    state = tmp_path_factory.mktemp("hostile") / "state"
    server = Server(state, ("--stop-grace", "1", "--parallel", "6", "--quota", "ml.m5.large=100")).start()
    codes = {name: behaviour.code for name, behaviour in TABLE.items()}
    script = f"import sys\nexec({PRELUDE!r})\nout = ml / 'processing/out'\nexec({codes!r}[sys.argv[1]])\n"
    try:
        s3 = server.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        for key, content in {"script.py": script, "in/a": "a"}.items():
            s3.put_object(Bucket=BUCKET, Key=key, Body=content.encode())
        yield server
        until(lambda: not living(state / "runs") and not list((state / "work").iterdir()))
        assert str(state) not in Path("/proc/mounts").read_text()
    finally:
        server.remove()


def create(server: Server, name: str, to: str, path: str = OUT, code: str | None = None) -> None:
    places = {"code": f"s3://{BUCKET}/script.py", "in": f"s3://{BUCKET}/in/"}
    inputs = [
        {
            "InputName": name,
            "S3Input": {
                "S3Uri": uri,
                "LocalPath": f"/opt/ml/processing/{name}",
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
            },
        }
        for name, uri in places.items()
    ]
    output = {"S3Uri": to, "LocalPath": path, "S3UploadMode": "Continuous" if name.startswith("out-") else "EndOfJob"}
    command = ["python3", "/opt/ml/processing/code/script.py"] if code is None else ["python3", "-c", code]
    server.client("sagemaker").create_processing_job(
        ProcessingJobName=name,
        RoleArn=ROLE,
        AppSpecification={"ImageUri": "image", "ContainerEntrypoint": command, "ContainerArguments": [name]},
        ProcessingInputs=inputs,
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": output}]},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
        StoppingCondition={"MaxRuntimeInSeconds": 100},
    )


def ended(server: Server, name: str) -> Any:
    def over() -> Any:
        job = server.client("sagemaker").describe_processing_job(ProcessingJobName=name)
        return job if job["ProcessingJobStatus"] not in {"InProgress", "Stopping"} else None

    return until(over)


def keys(server: Server, prefix: str) -> tuple[str, ...]:
    listed = server.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())
    return tuple(entry["Key"].removeprefix(prefix) for entry in listed)


@pytest.mark.slow(25)
def test_hostile_scripts_harm_themselves_only(server: Server) -> None:
    for name in TABLE:
        create(server, name, f"s3://{BUCKET}/result/{name}")
    create(server, "neighbour", f"s3://{BUCKET}/result/neighbour", code="open('/opt/ml/processing/out/w', 'w').write('w')")
    for name, behaviour in {**TABLE, "neighbour": Behaviour("", files=("w",))}.items():
        job = ended(server, name)
        reason = job.get("FailureReason", "")
        assert job["ProcessingJobStatus"] == (COMPLETED if behaviour.words is None else FAILED), (name, reason)
        assert (behaviour.words or "") in reason, (name, reason)
        assert len(reason) <= 1024, name
        assert "ExitMessage" not in job, name
        assert keys(server, f"result/{name}/") == behaviour.files, name


@pytest.mark.parametrize(
    ("to", "path", "reason", "files"),
    [
        (f"s3://{BUCKET}/a b/ü%20+&=;?#//", OUT, None, ("a b/ü%20+&=;?#/w",)),
        ("s3://nobodys/x", OUT, "to s3://nobodys/x. NoSuchBucket (404): The specified bucket does not exist", ()),
        (f"s3://{BUCKET}/x", "/opt/ml/processing/in/a", "ClientError: Is a directory: /opt/ml/processing/in/a", ()),
    ],
)
def test_where_an_output_goes(
    server: Server, request: pytest.FixtureRequest, to: str, path: str, reason: str | None, files: tuple[str, ...]
) -> None:
    name = f"to-{zlib.crc32(request.node.name.encode()):x}"
    create(server, name, to, path, f"open('{OUT}/w', 'w').write('w')")
    job = ended(server, name)
    assert (reason or "") in job.get("FailureReason", ""), job["FailureReason"]
    assert job["ProcessingJobStatus"] == (COMPLETED if reason is None else FAILED)
    assert set(files) <= set(keys(server, ""))
