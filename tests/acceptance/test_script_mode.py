"""Script mode beside AWS's own: the sagemaker-training toolkit, which the framework images hold, runs the same sources."""

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import IMAGE, ROLE, ROOT, Server, source_archive, until

pytestmark = pytest.mark.slow(30)

TOOLKIT = ROOT / ".venv-toolkit"
TELL = r"""
import json, os, pathlib, sys
facts = {"argv": sys.argv[1:], "name": __name__, "cwd": os.getcwd(), "env": dict(os.environ), "path": sys.path}
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "facts.json").write_text(json.dumps(facts))
"""
PLAIN = {
    "rate": "0.1", "flag": "true", "name": '"adam"', "plain": "adam", "list": "[1, 2]", "map": '{"a": 1, "b": [2]}', "none": "null",
    "x": "1", "batch-size": "32", "empty": '""', "big": "1e-7", "float": "1.0", "text": '"5"', "negative": "-3", "unicode": '"é ü"',
    "quotes": "\"a b 'c'\"", "sagemaker_other": '"o"', "sagemaker_container_log_level": "20", "sagemaker_job_name": '"job"',
    "sagemaker_region": '"us-east-1"', "_tuning_objective_metric": "score",
}  # fmt: skip
SOURCES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "a script": ("train.py", {"train.py": TELL}),
    "a script that imports what lies beside it": ("train.py", {"train.py": f"import helper\n{TELL}", "helper.py": ""}),
    "a script in a folder that imports from the root": (
        "deep/train.py",
        {"deep/train.py": f"import helper\n{TELL}", "helper.py": ""},
    ),
    "a shell script": ("go.sh", {"go.sh": '#!/bin/sh\nexec python3 tell.py "$@"\n', "tell.py": TELL}),
    "a shell script without its first line": ("go.sh", {"go.sh": 'python3 tell.py "$@"\n', "tell.py": TELL}),
    "a program": ("go", {"go": '#!/bin/sh\nexec python3 tell.py "$@"\n', "tell.py": TELL}),
    "a source with a pyproject.toml alone, which is not installed": (
        "train.py",
        {"pyproject.toml": "[project]\nname = 'told'\nversion = '1'\ndependencies = ['nothing-such']\n", "train.py": TELL},
    ),
    "a package": (
        "train.py",
        {
            "setup.py": "from setuptools import setup\nsetup(name='told', packages=['inner'], package_dir={'inner': 'src/inner'})\n",
            "src/inner/__init__.py": "VALUE = 1\n",
            "train.py": f"import inner\nassert inner.VALUE == 1\n{TELL}",
        },
    ),
}
FAILURES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "an exit code": ("train.py", {"train.py": "import sys\nsys.exit(7)\n"}),
    "a signal": ("train.py", {"train.py": "import os\nos.kill(os.getpid(), 9)\n"}),
    "a shell script's": ("go.sh", {"go.sh": "echo oops >&2\nexit 3\n"}),
}


@dataclass
class Ended:
    facts: dict[str, Any]
    failure: str


def by_the_toolkit(root: Path, entry: str, files: Mapping[str, str], hyperparameters: Mapping[str, str]) -> Ended:
    for name in ("input/config", "input/data/train", "model", "output/data"):
        (root / name).mkdir(parents=True)
    archive = root / "source.tar.gz"
    archive.write_bytes(source_archive(files))
    group = {"instance_group_name": "homogeneousCluster", "instance_type": "ml.m5.large", "hosts": ["algo-1"]}
    submitted = {"sagemaker_program": json.dumps(entry), "sagemaker_submit_directory": json.dumps(str(archive))}
    config = {
        "hyperparameters": {**hyperparameters, **submitted},
        "resourceconfig": {
            "current_host": "algo-1",
            "current_instance_type": "ml.m5.large",
            "current_group_name": "homogeneousCluster",
            "hosts": ["algo-1"],
            "instance_groups": [group],
            "network_interface_name": "eth0",
        },
        "inputdataconfig": {
            "train": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
        },
    }
    for name, content in config.items():
        (root / "input/config" / f"{name}.json").write_text(json.dumps(content))
    environment = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))} | {
        "PATH": f"{TOOLKIT}/bin:/usr/bin:/bin", "SAGEMAKER_BASE_DIR": str(root), "TRAINING_JOB_NAME": "job", "HOME": str(root),
        "SM_STUDIO_LOCAL_MODE": "true", "AWS_REGION": "us-east-1", "LANG": "C.UTF-8",
    }  # fmt: skip
    subprocess.run([TOOLKIT / "bin" / "train"], env=environment, cwd=root, check=False, timeout=600, capture_output=True)
    return ended(root / "output/data/facts.json", root / "output/failure")


def ended(facts: Path, failure: Path) -> Ended:
    return Ended(
        json.loads(facts.read_text()) if facts.exists() else {},
        failure.read_text() if failure.exists() else "",
    )


def by_us(server: Server, name: str, entry: str, files: Mapping[str, str], hyperparameters: Mapping[str, str]) -> Ended:
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket="box")
    s3.put_object(Bucket="box", Key=f"{name}.tar.gz", Body=source_archive(files))
    s3.put_object(Bucket="box", Key="data/x", Body=b"x")
    data = {"S3DataType": "S3Prefix", "S3Uri": "s3://box/data/", "S3DataDistributionType": "FullyReplicated"}
    submitted = {"sagemaker_program": json.dumps(entry), "sagemaker_submit_directory": json.dumps(f"s3://box/{name}.tar.gz")}
    sagemaker.create_training_job(
        TrainingJobName=name,
        HyperParameters={**hyperparameters, **submitted},
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": data}}],
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": "s3://box/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 120},
    )
    job = until(
        lambda: sagemaker.describe_training_job(TrainingJobName=name), so=lambda job: job["TrainingJobStatus"] != "InProgress"
    )
    if job["TrainingJobStatus"] == "Failed":
        return Ended({}, job["FailureReason"])
    archive = s3.get_object(Bucket="box", Key=f"out/{name}/output/output.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        file = tar.extractfile("facts.json")
        assert file is not None
        return Ended(json.load(file), "")


def comparable(ended: Ended, root: str) -> dict[str, Any]:
    """Without what must differ: places, the job's name, and where its source lies."""
    text = json.dumps(ended.facts).replace(root, "/opt/ml")
    seen: dict[str, Any] = json.loads(text)
    env = {key: value for key, value in seen["env"].items() if key.startswith("SM_") and key != "SM_STUDIO_LOCAL_MODE"}
    facts = json.loads(env.pop("SM_TRAINING_ENV"))
    for fact in ("module_dir", "job_name"):
        facts.pop(fact)
    for ours in ("SM_MODULE_DIR", "SM_EMULATOR_RUN"):
        env.pop(ours, None)
    env["PYTHONPATH"] = seen["env"]["PYTHONPATH"].split(os.pathsep)[0]
    return {**{key: seen[key] for key in ("argv", "name", "cwd")}, **env, **facts}


@pytest.fixture(scope="module", autouse=True)
def _toolkit() -> None:
    if not (TOOLKIT / ".ready").exists():
        pytest.skip("the toolkit needs a C compiler: `make tools` as root, then `make .venv-toolkit/.ready`")


@pytest.mark.parametrize("kind", list(SOURCES))
def test_the_same_as_in_aws(server: Server, tmp_path: Path, kind: str) -> None:
    entry, files = SOURCES[kind]
    theirs = by_the_toolkit(tmp_path / "ml", entry, files, PLAIN)
    ours = by_us(server, "job", entry, files, PLAIN)
    assert theirs.facts, theirs.failure
    assert ours.facts, ours.failure
    root = "/opt/ml" if server.health()["privateOptMl"] else ours.facts["cwd"].removesuffix("/code")
    mine, oracle = comparable(ours, root), comparable(theirs, str(tmp_path / "ml"))
    differ = {name for name in mine.keys() | oracle.keys() if mine.get(name) != oracle.get(name)}
    assert {name: (mine.get(name), oracle.get(name)) for name in differ} == {}


def test_an_entry_in_a_folder_of_a_package_is_no_module(server: Server, tmp_path: Path) -> None:
    files = {"setup.py": "from setuptools import setup\nsetup(name='told', packages=['deep'])\n", "deep/train.py": TELL}
    theirs, ours = (
        by_the_toolkit(tmp_path / "ml", "deep/train.py", files, PLAIN),
        by_us(server, "job", "deep/train.py", files, PLAIN),
    )
    for failed in (theirs, ours):
        assert not failed.facts
        assert "-m deep/train " in failed.failure


@pytest.mark.parametrize("kind", list(FAILURES))
def test_failures_are_told_the_same(server: Server, tmp_path: Path, kind: str) -> None:
    entry, files = FAILURES[kind]
    theirs = by_the_toolkit(tmp_path / "ml", entry, files, {"rate": "0.1"}).failure
    ours = by_us(server, "job", entry, files, {"rate": "0.1"}).failure
    assert ours.startswith("AlgorithmError: ")
    assert ours.endswith(", exit code: 1")
    said = ours.removeprefix("AlgorithmError: ").removesuffix(", exit code: 1")
    # Which Python it is differs, and that the toolkit says `--` before the script.
    assert said.splitlines()[:3] == theirs.splitlines()[:3]
    assert said.split(entry)[1] == theirs.split(entry)[1]
