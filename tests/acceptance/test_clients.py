"""Clients in other languages and of other makers, run as their users run them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Server

pytestmark = pytest.mark.slow(60)
EXAMPLES = ROOT / "docs" / "examples"
PROGRAMS = ROOT / "tests" / "acceptance" / "programs"
# Two commands of Airflow's in one process: importing it takes longer than they do.
AIRFLOW = """
import rare_gc, sys
from airflow.__main__ import main
for command in ("db migrate", "dags test tuning"):
    sys.argv = ["airflow", *command.split()]
    main()
"""


def run(environment: dict[str, str], cwd: Path, *command: str | Path) -> str:
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def printed(output: str, word: str) -> str:
    """The rest of the line that begins with a word."""
    return next(line for line in output.splitlines() if line.startswith(f"{word} ")).removeprefix(f"{word} ")


@pytest.mark.parametrize("version", [1, 2])
def test_aws_cli(server: Server, tmp_path: Path, version: int) -> None:
    """Version 1 by AWS_ENDPOINT_URL; Debian's version 2 does not know that variable yet, and finds the emulator by the proxy."""
    program = Path(sys.executable).parent / "aws" if version == 1 else Path("/usr/bin/aws")
    head = program.read_bytes().splitlines()[0] if program.exists() else b""
    if not head.startswith(b"#!"):
        pytest.skip("version 2 of the AWS CLI is Debian's package awscli: `make tools` as root")
    environment = server.environment if version == 1 else server.proxied
    environment |= {"NAME": f"cli{version}", "HOME": str(tmp_path)}
    output = run(environment, tmp_path, head.decode()[2:], PROGRAMS / "forked_cli.py", PROGRAMS / "aws_cli_more.sh")
    assert [printed(output, word) for word in ("status", "counters", "pages")] == ["Completed", "5 5", "2 2 1 "]
    assert printed(output, "leader") == printed(output, "best")
    assert printed(output, "tags") == "team a"
    assert printed(output, "model") == "at"
    assert [printed(output, word) for word in ("stopped", "one", "two")] == ["Stopped", "Completed", "Stopped"]
    assert printed(output, "listed").split() == [f"cli{version}-a", f"cli{version}-b"]
    assert f"cli{version}-two" in printed(output, "by themselves").split()
    if version == 2:
        assert printed(output, "tailed") == "1"  # the best one's log and no other's
    else:
        assert printed(output, "deleted") == "ResourceNotFound"


def test_an_endpoint_by_the_aws_command_line(server: Server, tmp_path: Path) -> None:
    head = (Path(sys.executable).parent / "aws").read_bytes().splitlines()[0]
    output = run(server.environment, tmp_path, head.decode()[2:], PROGRAMS / "forked_cli.py", PROGRAMS / "endpoint_cli.sh")
    assert "endpoint InService" in output
    assert "answer [3.0, 6.0]" in output


def test_javascript_sdk(server: Server, tmp_path: Path) -> None:
    packages = ROOT / ".node" / "node_modules"
    if not packages.exists() or shutil.which("node") is None:
        pytest.skip("the SDK for JavaScript needs Node.js: `make tools` as root, then `make .node/.ready`")
    (tmp_path / "node_modules").symlink_to(packages)
    for name in ("javascript_sdk.mjs", "sgd.py"):
        shutil.copy(EXAMPLES / name, tmp_path)
    output = run(server.environment, tmp_path, "node", tmp_path / "javascript_sdk.mjs")
    assert printed(output, "training") == "SUCCESS"
    assert printed(output, "tuning") == "Completed"
    assert printed(output, "listed") == "5 on 3 pages"
    _, value = printed(output, "best").split()
    assert 0.8 < float(value) < 1.0
    assert int(printed(output, "model").split()[1]) > 1000
    assert f"accuracy: {value};" in output


def test_airflow(server: Server, tmp_path: Path) -> None:
    python = ROOT / ".venv-airflow" / "bin" / "python"
    if not python.exists():
        pytest.skip("`make .venv-airflow/.ready` makes Airflow's environment")
    (tmp_path / "dags").mkdir()
    for name in ("airflow_dag.py", "sgd.py"):
        shutil.copy(EXAMPLES / name, tmp_path / "dags")
    own = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "PYTHONPATH": str(PROGRAMS)}
    environment = {**server.environment, **own}
    output = run(environment, tmp_path, python, "-c", AIRFLOW)
    assert "tuning Completed, best airflow-tuning-" in output
    job = server.client("sagemaker").describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="airflow-tuning")
    assert job["TrainingJobStatusCounters"]["Completed"] == 4
    assert job["BestTrainingJob"]["TrainingJobName"] in output
