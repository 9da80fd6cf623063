"""GitLab's pipeline in a repository of a user's, made by `sm-tuning infra init`: every line of it, on the emulator.

A role is taken as AWS's SDKs take it, by the token's file; the emulator asks no trust of it, so the test does. Nothing is installed.
"""

import os
import sys
from pathlib import Path

import pytest

from sm_tuning.infra.init import Pipeline
from tests.conftest import ROOT, Server
from tests.infra.conftest import Command, of
from tests.infra.gitlab import Runner
from tests.infra.users_repository import make_repository
from tests.infra.workflow import ACCOUNT, DOCKER, GRYPE, SYFT, with_programs

pytestmark = pytest.mark.slow(10)

SUBJECT = "project_path:us/digits:ref_type:branch:ref:main"
PIPELINE = Pipeline(project="own-gitlab", repository="us/digits", provider="gitlab", job="job.toml", context="training")
# What stands for pip and apt-get: they write down what they are told.
INSTALLS = """
import os, sys
assert "install" in sys.argv or "update" in sys.argv, sys.argv
with open(os.environ["SPOKEN"], "a") as file:
    file.write(" ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
"""
DEFAULT_BRANCH = {"CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main"}


@pytest.fixture
def runner(served: Server, tmp_path: Path) -> Runner:
    repository = make_repository(
        tmp_path / "repository", PIPELINE, {".gitlab-ci.yml": "include:\n  - local: .gitlab/tuning.yml\n"}
    )
    programs = tmp_path / "programs"
    programs.mkdir()
    path = with_programs(programs, docker=DOCKER, syft=SYFT, grype=GRYPE, python=INSTALLS, **{"apt-get": INSTALLS})
    own = os.pathsep.join([str(programs), str(Path(sys.executable).parent), path])
    clean = {
        name: value
        for name, value in served.environment.items()
        if name not in {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"}
    }
    commit = (repository / ".git/refs/heads/main").read_text().strip()
    return Runner(
        repository=repository,
        variables={
            **DEFAULT_BRANCH,
            "AWS_ACCOUNT_ID": ACCOUNT,
            "AWS_REGION": "us-east-1",
            "PRICE": "0.1",  # the emulator has no price list
            "CI_PROJECT_DIR": str(repository),
            "CI_COMMIT_SHA": commit,
            "AWS_TOKEN": "a.b.c",  # what `id_tokens` makes
        },
        environment={**clean, "PATH": own, "SPOKEN": str(tmp_path / "spoken"), "SM_EMULATOR_STATE": str(tmp_path / "state")},
        changed=("training/train.py",),
    )


def test_from_a_merge_request_to_a_tuning_job_and_back(runner: Runner, served: Server, infra: Command) -> None:
    said = infra(*[word for word in PIPELINE.bootstrap()[1:] if word != "--aws"])  # the test's command adds it
    assert said.code == 0, said.err
    for role in ("deploy", "launch", "promote"):
        trust = served.client("iam").get_role(RoleName=f"own-gitlab-production-us-east-1-{role}")["Role"][
            "AssumeRolePolicyDocument"
        ]
        assert f"'gitlab.com:sub': '{SUBJECT}'" in str(trust).replace("[", "").replace("]", "")
    assert "no rule is broken" in runner.run("tuning-check")
    assert "CREATE_COMPLETE" in runner.run("tuning-deploy")
    launched = runner.run("tuning-launch", CI_JOB_ID="71")
    assert "assumed-role/own-gitlab-production-us-east-1-launch/" in launched, "the token's role"
    assert "created run-71 in AWS" in launched
    assert "verdict:" in launched
    assert "The tuning job run-71 is Completed." in runner.run("tuning-follow-up")
    assert {path.name for path in (runner.repository / "tuning-report").iterdir()} == {"report.html", "run-71.html"}
    assert "own-gitlab-production: deleted" in runner.run("tuning-teardown")
    assert infra("outputs", "BucketName", *of("own-gitlab")).code == 1, "it is gone"
    assert set(runner.lines()) == set(runner.ran), "each line of the component"
    spoken = Path(runner.environment["SPOKEN"]).read_text().splitlines()
    assert spoken[0] == "python -m pip install --quiet --require-hashes --requirement .gitlab/sm-tuning.txt"
    assert next(line for line in spoken if line.startswith("docker build")).endswith(
        f":{runner.variables['CI_COMMIT_SHA']} training"
    )


@pytest.mark.parametrize(
    ("source", "changed", "jobs"),
    [
        ("merge_request_event", "README.md", {"tuning-check"}),
        ("push", "training/deep/train.py", {"tuning-deploy", "tuning-launch", "tuning-teardown"}),
        ("push", "job.toml", {"tuning-deploy", "tuning-launch", "tuning-teardown"}),
        ("push", "README.md", {"tuning-teardown"}),
        ("web", "README.md", {"tuning-deploy", "tuning-launch", "tuning-teardown"}),
        ("schedule", "README.md", {"tuning-follow-up"}),
    ],
)
def test_what_a_pipeline_is_of(tmp_path: Path, source: str, changed: str, jobs: set[str]) -> None:
    PIPELINE.write(tmp_path)
    (tmp_path / ".gitlab-ci.yml").write_text("include:\n  - local: .gitlab/tuning.yml\n")
    pipeline = Runner(repository=tmp_path, variables=DEFAULT_BRANCH, environment={}, changed=(changed,)).pipeline(source)
    assert pipeline.keys() == jobs
    by_hand = {name for name, job in pipeline.items() if job.get("when") == "manual"}
    assert by_hand == jobs & {"tuning-launch", "tuning-teardown"}, "what costs or deletes is somebody's click"


def test_this_repository_has_its_jobs_beside_these() -> None:
    pipeline = Runner(repository=ROOT, file="infra/gitlab-ci.yml", variables=DEFAULT_BRANCH, environment={}).pipeline("web")
    assert pipeline.keys() == {"check", "unit", "offline", "tuning-deploy", "tuning-launch", "tuning-teardown"}
    installs = pipeline["tuning-deploy"]["before_script"][:2]
    assert installs[0].endswith('--requirement "infra/requirements.txt"')
    assert '--no-build-isolation "."' in installs[1]
