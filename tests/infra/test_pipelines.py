"""Every `run:` of the workflows is carried out, in order, against the emulator; GitHub's and AWS's own actions have a local meaning.

A role is taken as AWS's action takes it: its trust must name the environment's subject, and what follows has its credentials alone.
`docker push` puts the image's manifest into the emulator's registry; what `docker build` makes is tested where there is an engine.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, Server
from tests.infra.conftest import SUBJECT, Command, bootstrap
from tests.infra.workflow import Runner, commands, with_programs

ACCOUNT = "123456789012"
WORKFLOWS = ("ci.yml", "deploy.yml", "teardown.yml")
# Actions that AWS, PyPI and GitHub Pages know by GitHub's token, in an environment that says who may.
KNOWN_BY_THEIR_TOKEN = {"aws-actions/configure-aws-credentials", "pypa/gh-action-pypi-publish", "actions/deploy-pages"}
# This suite itself is what they run.
SELF = {
    "make check": "it checks this very tree",
    "make coverage": "it measures a part of this very suite",
    "make unit": "it runs a part of this very suite",
    "make test": "it runs this very suite",
}

DOCKER = """
import os, subprocess, sys
verb, words = sys.argv[1], sys.argv[2:]
with open(os.environ["SPOKEN"], "a") as file:
    file.write(f"docker {' '.join(sys.argv[1:])}\\n")
if verb == "build":
    assert os.path.exists(os.path.join(words[-1], "Dockerfile")), words
if verb == "login":
    assert sys.stdin.read().strip(), "no password"
if verb == "push":
    repository, tag = words[0].split("/", 1)[1].split(":")
    digest = "sha256:" + "0" * 64
    config = f'{{"mediaType": "application/vnd.docker.container.image.v1+json", "size": 1, "digest": "{digest}"}}'
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = f'{{"schemaVersion": 2, "mediaType": "{kind}", "config": {config}, "layers": []}}'
    aws = [os.environ["PYTHON"], "-m", "awscli", "ecr", "put-image", "--repository-name", repository]
    subprocess.run([*aws, "--image-tag", tag, "--image-manifest", manifest], check=True, stdout=subprocess.DEVNULL)
"""
GH = """
import os, sys
with open(os.environ["SPOKEN"], "a") as file:
    file.write(f"gh {' '.join(sys.argv[1:])}\\n{sys.stdin.read()}")
"""
JOB = """
name = "small"
strategy = {{ name = "Random", seed = 7 }}
max_jobs = 2
max_parallel = 2
{script}
[objective]
metric = "validation:accuracy"
goal = "Maximize"
regex = 'validation:accuracy=([-+]?[0-9.]+)'
[ranges]
learning_rate = {{ low = 1e-3, high = 1e-2 }}
[hyperparameters]
epochs = 2
[resources]
instance_type = "ml.m5.large"
max_runtime = 300
"""


@pytest.fixture
def runner(served: Server, infra: Command, tmp_path: Path) -> Iterator[Runner]:
    said = infra(*bootstrap(served, "sm-tuning"))
    assert said.code == 0, said.err
    programs = tmp_path / "programs"
    programs.mkdir()
    path = with_programs(programs, docker=DOCKER, gh=GH)
    job, offline = tmp_path / "job.toml", tmp_path / "offline.toml"
    job.write_text(JOB.format(script=""))
    offline.write_text(JOB.format(script=f'script = "{ROOT / "training_scripts/mlp.py"}"'))
    without = {"AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "MAKEFLAGS", "MAKELEVEL"}  # `make test` itself may be what runs this
    clean = {name: value for name, value in served.environment.items() if name not in without}
    made = {*_files(ROOT / "demo-output")}
    yield Runner(
        contexts={
            "vars": {
                "AWS_ACCOUNT_ID": ACCOUNT,
                "AWS_REGION": "us-east-1",
                "TUNING_JOB": str(job),
                "OFFLINE_JOB": str(offline),
            },
            "inputs": {"project": "sm-tuning"},
            "github": {
                "event_name": "pull_request",
                "repository": "us/digits",
                "token": "t",
                "run_id": "1",
                "run_attempt": "2",
                "event": {"pull_request": {"html_url": "https://x.test/1", "head": {"repo": {"full_name": "us/digits"}}}},
            },
        },
        actions={
            "actions/checkout": lambda *_: None,
            "actions/setup-python": lambda *_: None,
            "actions/upload-artifact": _uploaded,
            "aws-actions/configure-aws-credentials": _role_taker(served),
        },
        environment={**clean, "PATH": path, "SPOKEN": str(tmp_path / "spoken"), "PYTHON": sys.executable},
        summary=tmp_path / "summary.md",
    )
    for new in {*_files(ROOT / "demo-output")} - made:
        new.unlink()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _uploaded(inputs: Mapping[str, str], _environment: dict[str, str]) -> None:
    assert any(file.stat().st_size > 1000 for file in _files(ROOT / inputs["path"])), f"nothing in {inputs['path']}"


def _role_taker(served: Server) -> Callable[[Mapping[str, str], dict[str, str]], None]:
    def take(inputs: Mapping[str, str], environment: dict[str, str]) -> None:
        role = served.client("iam").get_role(RoleName=inputs["role-to-assume"].rsplit("/", 1)[1])["Role"]
        assert role["Arn"] == inputs["role-to-assume"]
        assert inputs["allowed-account-ids"] == ACCOUNT
        assert int(inputs.get("role-duration-seconds", 3600)) <= role["MaxSessionDuration"]
        assert SUBJECT in str(role["AssumeRolePolicyDocument"])
        taken = served.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="pipeline")["Credentials"]
        environment |= {
            "AWS_REGION": inputs["aws-region"],
            "AWS_DEFAULT_REGION": inputs["aws-region"],
            "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
            "AWS_SESSION_TOKEN": taken["SessionToken"],
        }

    return take


def test_from_a_commit_to_a_tuning_job_and_back(runner: Runner, served: Server, infra: Command) -> None:
    runner.run("deploy.yml")
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    images = served.client("ecr").describe_images(repositoryName="sm-tuning")["imageDetails"]
    assert [image["imageTags"] for image in images] == [[commit]]
    repository = infra("output", "sm-tuning", "RepositoryUri").out.strip()
    spoken = Path(runner.environment["SPOKEN"]).read_text().splitlines()
    assert [line.split()[1] for line in spoken] == ["build", "login", "tag", "push"]
    assert spoken[1].split()[-1] == repository.split("/")[0]
    assert spoken[3].split()[-1] == f"{repository}:{commit}"
    runner.run("teardown.yml")
    assert infra("output", "sm-tuning", "BucketName").code == 1, "it is gone"
    assert runner.ran == [*commands("deploy.yml"), *commands("teardown.yml")]
    assert "best" in runner.summary.read_text()


def test_a_pull_request(runner: Runner) -> None:
    runner.left_out = SELF
    runner.run("ci.yml")
    assert runner.ran == [command for command in commands("ci.yml") if command not in SELF]
    spoken = Path(runner.environment["SPOKEN"]).read_text()
    assert spoken.startswith("gh pr comment https://x.test/1 --body-file - --edit-last --create-if-none\n### Tuning job\n")
    assert runner.summary.read_text().startswith("### Tuning job\n\n```text\n")
    assert runner.summary.read_text() in spoken


def test_actions_are_pinned_and_rights_minimal() -> None:
    for name in (*WORKFLOWS, "docs.yml", "release.yml"):
        text = (ROOT / ".github/workflows" / name).read_text()
        document = yaml.safe_load(text)
        assert document["permissions"] == {}
        assert "concurrency" in document
        for used in re.findall(r"uses: (.*)", text):
            assert used.startswith("./.github/workflows/") or re.fullmatch(
                r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used
            ), used
        for job in document["jobs"].values():
            assert "timeout-minutes" in job or "uses" in job
            used_here = {step.get("uses", "").split("@")[0] for step in job.get("steps", ())}
            known_by_its_token = bool(used_here & KNOWN_BY_THEIR_TOKEN)
            assert known_by_its_token == ("environment" in job)
            signs = "actions/attest-build-provenance" in used_here
            assert (known_by_its_token or signs) == (job["permissions"].get("id-token") == "write")


def test_gitlab_runs_the_same_commands() -> None:
    document = yaml.safe_load((ROOT / "infra/gitlab-ci.yml").read_text())
    lines = [line for job in document.values() if isinstance(job, dict) for line in job.get("script", ())]
    made = {line.split(" | ")[0] for line in lines if line.startswith("make ")}
    theirs = {command.split(" >> ")[0] for name in WORKFLOWS for command in commands(name)}
    # A merge request's comment needs a token that may write, which GitLab gives no job: the summary is an artifact there. A job that
    # is broken off runs nothing more.
    assert made == theirs - {"make comment", "make stop"}
