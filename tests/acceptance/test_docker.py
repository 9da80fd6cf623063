"""Jobs in real containers: the project's own training image, built here, on an engine of the tests' own."""

import json
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import wheel
from tests.conftest import BASE_IMAGE, ROLE, ROOT, Engine, Server, source_archive, until

pytestmark = pytest.mark.slow(70)

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/digits:0.1"
PLAIN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/plain:1"
SERVER = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serving:1"
SERVING = """
FROM {base}
COPY serving.py /
ENTRYPOINT ["python3", "/serving.py"]
"""
PYTHON = """
FROM {base}
COPY wheels /wheels
RUN python3 -m venv /opt/venv && printf '[global]\\nno-index = true\\nfind-links = /wheels\\n' > /etc/pip.conf
ENV PATH=/opt/venv/bin:/usr/bin:/bin
"""


@pytest.fixture(scope="module")
def images(_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The project's training image, as its Dockerfile makes it; the packages come from a folder: a build has no network here."""
    context = tmp_path_factory.mktemp("python")
    scripts = ROOT / "training_scripts"
    wheel.copy_pinned("training_scripts", context / "wheels")
    (context / "Dockerfile").write_text(PYTHON.format(base=BASE_IMAGE))
    _engine.docker("build", "--network=none", "--tag=python", str(context))
    _engine.docker("build", "--network=none", "--build-arg=BASE=python", f"--tag={IMAGE}", str(scripts))
    _engine.docker("tag", BASE_IMAGE, PLAIN)
    (context / "Dockerfile").write_text(SERVING.format(base=BASE_IMAGE))
    program = (ROOT / "tests" / "acceptance" / "programs" / "serving.py").read_text()
    port = 'int(os.environ["SAGEMAKER_BIND_TO_PORT"])'
    assert port in program
    (context / "serving.py").write_text(program.replace(port, "8080"))  # as most images of users' own do
    _engine.docker("build", "--network=none", f"--tag={SERVER}", str(context))


@pytest.fixture
def served(docker: Engine, images: None, tmp_path: Path) -> Iterator[Server]:
    server = Server(state=tmp_path / "state", arguments=("--stop-grace", "2", "--image", "*.dkr.ecr.*=docker:"))
    try:
        yield server.start()
    finally:
        server.remove()


def until_ended(describe: Any, status: str) -> dict[str, Any]:
    job: dict[str, Any] = until(describe, so=lambda job: job[status] not in {"InProgress", "Stopping"})
    return job


def run(server: Server, name: str, *command: str, **changes: Any) -> dict[str, Any]:
    """A training job of the plain image with a command; how it ended."""
    sagemaker = server.client("sagemaker")
    server.client("s3").create_bucket(Bucket="box")
    sagemaker.create_training_job(**_request(name, *command, **changes))
    return until_ended(lambda: sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")


def _request(name: str, *command: str, **changes: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": PLAIN,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": [command[0]],
            **({"ContainerArguments": list(command[1:])} if command[1:] else {}),
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://box/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **changes,
    }


_SCRIPT = ("python3", "/opt/ml/input/data/code/script.py")


def _code(server: Server, script: str, **others: str) -> dict[str, Any]:
    """A channel with a script, as SDK 3's ModelTrainer sends one."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket="box")
    for name, text in {"script.py": script, **others}.items():
        s3.put_object(Bucket="box", Key=f"code/{name}", Body=text.encode())
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://box/code/"}
    return {"InputDataConfig": [{"ChannelName": "code", "DataSource": {"S3DataSource": source}}]}


def test_a_tuning_job_of_the_projects_image(served: Server, tmp_path: Path) -> None:
    sagemaker, s3, logs = (served.client(name) for name in ("sagemaker", "s3", "logs"))
    s3.create_bucket(Bucket="box")
    metric = {"Name": "validation:accuracy", "Regex": "validation:accuracy=([0-9.eE+-]+)"}
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="digits",
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "RandomSeed": 1,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:accuracy"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {"Name": "learning_rate", "MinValue": "0.0005", "MaxValue": "0.05", "ScalingType": "Logarithmic"}
                ],
                "IntegerParameterRanges": [{"Name": "batch_size", "MinValue": "32", "MaxValue": "128"}],
            },
        },
        TrainingJobDefinition={
            "StaticHyperParameters": {"epochs": "4"},
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File", "MetricDefinitions": [metric]},
            **{
                name: value
                for name, value in _request("x", "x").items()
                if name not in {"TrainingJobName", "AlgorithmSpecification"}
            },
        },
    )
    job = until_ended(
        lambda: sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="digits"),
        "HyperParameterTuningJobStatus",
    )
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 4, served.log
    best = job["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] > 0.85
    training = sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    bucket, key = training["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").split("/", 1)
    s3.download_file(bucket, key, str(tmp_path / "model.tar.gz"))
    with tarfile.open(tmp_path / "model.tar.gz") as archive:
        assert any(name.startswith("model.") for name in archive.getnames())
    group = "/aws/sagemaker/TrainingJobs"
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=best["TrainingJobName"])["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    assert sum("validation:accuracy=" in event["message"] for event in events) == 4


def test_it_finds_its_data_its_variables_and_the_emulator(served: Server) -> None:
    s3 = served.client("s3")
    script = (
        "import json, os, urllib.request\n"
        "urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'] + '/_health')\n"
        "facts = dict(os.environ) | {'data': open('/opt/ml/input/data/code/a.csv').read()}\n"
        "facts |= json.load(open('/opt/ml/input/config/hyperparameters.json'))\n"
        "file = open('/opt/ml/output/data/facts.json', 'w')\n"
        "try:\n"
        "    open('/opt/ml/input/data/fast/new', 'w')\n"
        "except OSError as error:\n"
        "    facts['refused'] = error.strerror\n"
        "os.setuid(65534)\n"
        "facts['fast'] = open('/opt/ml/input/data/fast/a.csv').read()\n"
        "facts['epochs'] = [open(f'/opt/ml/input/data/piped_{epoch}').read() for epoch in (0, 1)]\n"
        "json.dump(facts, file)\n"
    )
    code = _code(served, script, **{"a.csv": "1,2\n"})
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://box/code/a.csv"}}
    modes = {"fast": "FastFile", "piped": "Pipe"}
    code["InputDataConfig"] += [{"ChannelName": name, "InputMode": mode, "DataSource": source} for name, mode in modes.items()]
    job = run(served, "finds", *_SCRIPT, **code, Environment={"MINE": "a b"}, HyperParameters={"lr": "1"})
    assert job["TrainingJobStatus"] == "Completed", job
    body = s3.get_object(Bucket="box", Key="output/finds/output/output.tar.gz")["Body"].read()
    held = subprocess.run(["tar", "-xzO"], input=body, capture_output=True, check=True).stdout
    facts = json.loads(held)
    assert (facts["data"], facts["MINE"], facts["lr"], facts["TRAINING_JOB_NAME"]) == ("1,2\n", "a b", "1", "finds")
    assert (facts["fast"], facts["refused"], facts["epochs"]) == ("1,2\n", "Read-only file system", ["1,2\n"] * 2)
    assert facts["HOME"] == "/root"  # the image's own, as PATH is


def test_it_may_run_as_any_user(served: Server) -> None:
    """Whoever it runs as: it signs with the key that it was given, and nobody else of that number is answered."""
    script = (
        "import os, urllib.error, urllib.request\n"
        "os.setuid(65534)\n"
        "def status(key):\n"
        "    signed = f'AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0'\n"
        "    request = urllib.request.Request(os.environ['AWS_ENDPOINT_URL'] + '/_health', headers={'Authorization': signed})\n"
        "    try:\n"
        "        return urllib.request.urlopen(request).status\n"
        "    except urllib.error.HTTPError as error:\n"
        "        return error.code\n"
        "assert (status(os.environ['AWS_ACCESS_KEY_ID']), status('test')) == (200, 403)\n"
    )
    job = run(served, "nobody", *_SCRIPT, **_code(served, script))
    assert job["TrainingJobStatus"] == "Completed", job


def test_its_failures_are_told_as_aws_tells_them(served: Server) -> None:
    job = run(served, "fails", "sh", "-c", "echo 'no such column' > /opt/ml/output/failure; exit 3")
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: no such column, exit code: 3")
    job = run(served, "no-train", "x", AlgorithmSpecification={"TrainingImage": PLAIN, "TrainingInputMode": "File"})
    assert job["FailureReason"].startswith("ClientError: The container cannot be started: ")
    assert '"train": executable file not found' in job["FailureReason"]


def test_without_a_network(served: Server) -> None:
    job = run(served, "alone", "sh", "-c", 'test "$(ls /sys/class/net)" = lo', EnableNetworkIsolation=True)
    assert job["TrainingJobStatus"] == "Completed", job


def test_stop(served: Server) -> None:
    sagemaker = served.client("sagemaker")
    script = (
        "import signal, sys, time\n"
        "signal.signal(15, lambda *_: (open('/opt/ml/model/saved', 'w').write('x'), sys.exit(0)))\n"
        "print('up', flush=True)\ntime.sleep(60)\n"
    )
    sagemaker.create_training_job(**_request("stops", *_SCRIPT, **_code(served, script)))
    until(lambda: any("up" in log.read_text() for log in (served.state / "runs").glob("*/log.*")))
    sagemaker.stop_training_job(TrainingJobName="stops")
    job = until_ended(lambda: sagemaker.describe_training_job(TrainingJobName="stops"), "TrainingJobStatus")
    assert job["TrainingJobStatus"] == "Stopped"
    assert served.client("s3").head_object(Bucket="box", Key="output/stops/output/model.tar.gz")


def test_a_reset_leaves_no_container(served: Server) -> None:
    """`docker`, the fixture, looks that there is none."""
    served.client("s3").create_bucket(Bucket="box")
    served.client("sagemaker").create_training_job(**_request("endless", "sleep", "60"))
    until(lambda: subprocess.run(["docker", "ps", "--quiet"], capture_output=True, text=True, check=True).stdout)


_PROCESSING_SCRIPT = """
import json, os, pathlib, signal, socket, sys, time
processing, host = pathlib.Path("/opt/ml/processing"), socket.gethostname()
hosts = json.load(open("/opt/ml/config/resourceconfig.json"))["hosts"]
assert len({socket.gethostbyname(name) for name in hosts}) == len(hosts)
data = sorted(path.read_text() for path in (processing / "input/data").iterdir())
(processing / "out" / host).write_text(json.dumps([host, data, os.environ["MINE"], sys.argv[1:]]))
(processing / "live" / host).write_text("x")
pathlib.Path("/opt/ml/output/message").write_text("seen by " + host)
if "wait" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    time.sleep(600)
sys.exit(7 if "fail" in sys.argv else 0)
"""


def _process(server: Server, name: str, *arguments: str, instances: int = 1) -> Callable[[], dict[str, Any]]:
    """Start a processing job of the plain image as ScriptProcessor(image_uri=…, command=["python3"]) asks for one; its Describe."""
    sagemaker, s3 = server.client("sagemaker"), server.client("s3")
    s3.create_bucket(Bucket="box")
    for key, text in {"script/script.py": _PROCESSING_SCRIPT, "data/a": "1", "data/b": "2"}.items():
        s3.put_object(Bucket="box", Key=key, Body=text.encode())
    modes = {"S3DataType": "S3Prefix", "S3InputMode": "File", "S3CompressionType": "None"}
    sources = {"data": "ShardedByS3Key", "script": "FullyReplicated"}
    outputs = {"out": "EndOfJob", "live": "Continuous"}
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        AppSpecification={
            "ImageUri": PLAIN,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/script/script.py"],
            "ContainerArguments": ["a b", *arguments],
        },
        Environment={"MINE": "a b"},
        ProcessingInputs=[
            {
                "InputName": source,
                "S3Input": {
                    "S3Uri": f"s3://box/{source}/",
                    "LocalPath": f"/opt/ml/processing/input/{source}",
                    "S3DataDistributionType": distribution,
                    **modes,
                },
            }
            for source, distribution in sources.items()
        ],
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": output,
                    "S3Output": {
                        "S3Uri": f"s3://box/{name}/{output}",
                        "LocalPath": f"/opt/ml/processing/{output}",
                        "S3UploadMode": mode,
                    },
                }
                for output, mode in outputs.items()
            ]
        },
        ProcessingResources={"ClusterConfig": {"InstanceCount": instances, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
        RoleArn=ROLE,
    )
    return lambda: dict(sagemaker.describe_processing_job(ProcessingJobName=name))


def _objects(server: Server, prefix: str) -> dict[str, str]:
    s3 = server.client("s3")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="box", Prefix=prefix).get("Contents", [])]
    return {key: s3.get_object(Bucket="box", Key=key)["Body"].read().decode() for key in keys}


def test_processing_jobs(served: Server) -> None:
    """On two instances, each with its share; and one that fails, whose continuous output is there alone."""
    shared, failing = _process(served, "shares", instances=2), _process(served, "fails", "fail")
    job = until_ended(shared, "ProcessingJobStatus")
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "seen by algo-1seen by algo-2")
    seen = {key: json.loads(text) for key, text in _objects(served, "shares/out/").items()}
    hosts = {"algo-1": ["1"], "algo-2": ["2"]}
    assert seen == {f"shares/out/{host}": [host, data, "a b", ["a b"]] for host, data in hosts.items()}
    job = until_ended(failing, "ProcessingJobStatus")
    assert (job["ProcessingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: , exit code: 7")
    assert job["ExitMessage"] == "seen by algo-1"
    assert _objects(served, "fails/") == {"fails/live/algo-1": "x"}


def test_a_processing_job_is_stopped(served: Server) -> None:
    stopping = _process(served, "stops", "wait", instances=2)
    until(lambda: len(_objects(served, "stops/live/")) >= 2)
    served.client("sagemaker").stop_processing_job(ProcessingJobName="stops")
    assert until_ended(stopping, "ProcessingJobStatus")["ProcessingJobStatus"] == "Stopped"
    assert _objects(served, "stops/out/") == {}


def test_containers_that_serve(served: Server) -> None:
    """All on the port 8080: two endpoints beside each other, one of them isolated and one of two containers; a transform job."""
    s3, sagemaker, runtime = (served.client(name) for name in ("s3", "sagemaker", "sagemaker-runtime"))
    s3.create_bucket(Bucket="serving")
    s3.put_object(Bucket="serving", Key="in/data", Body=b"[1, 2]")
    for factor in ("4", "5"):
        s3.put_object(Bucket="serving", Key=f"{factor}.tar.gz", Body=source_archive({"factor": factor}))
    containers = [{"Image": SERVER, "ModelDataUrl": f"s3://serving/{factor}.tar.gz"} for factor in (4, 5)]
    sagemaker.create_model(ModelName="alone", PrimaryContainer=containers[0], EnableNetworkIsolation=True)
    sagemaker.create_model(ModelName="both", Containers=containers)
    for name in ("alone", "both"):
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://serving/in/"}}
    sagemaker.create_transform_job(
        TransformJobName="job",
        ModelName="both",
        TransformInput={"DataSource": source},
        TransformOutput={"S3OutputPath": "s3://serving/out"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    deadline = time.monotonic() + 120
    for name, answer in {"alone": [4, 8], "both": [20, 40]}.items():
        while (made := sagemaker.describe_endpoint(EndpointName=name))["EndpointStatus"] == "Creating":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert made["EndpointStatus"] == "InService", made
        assert json.loads(runtime.invoke_endpoint(EndpointName=name, Body=b"[1, 2]")["Body"].read()) == answer
    job = until_ended(lambda: sagemaker.describe_transform_job(TransformJobName="job"), "TransformJobStatus")
    assert job["TransformJobStatus"] == "Completed", job
    assert json.loads(s3.get_object(Bucket="serving", Key="out/data.out")["Body"].read()) == [20, 40]
    for name in ("alone", "both"):
        sagemaker.delete_endpoint(EndpointName=name)
