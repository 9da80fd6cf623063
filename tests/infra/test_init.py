"""A repository of a user's, made by `sm-tuning infra init`: its pipeline from a pull request to a tuning job and back."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sm_tuning.errors import Invalid
from sm_tuning.infra.init import Pipeline
from sm_tuning.infra.lock import locked, wheels
from tests.conftest import ROOT, Server
from tests.infra.conftest import Command, of
from tests.infra.users_repository import make_repository
from tests.infra.workflow import ACCOUNT, DOCKER, GRYPE, SYFT, Runner, commands, role_taker, signed, signed_list, with_programs

pytestmark = pytest.mark.slow(16)

INSTALL = "python -m pip install --quiet --require-hashes --requirement "
INSTALLS = (f"{INSTALL}.github/sm-tuning.txt", f'{INSTALL}"$LOCK"')
PIPELINE = Pipeline(project="own-i", repository="us/digits", provider="github", job="job.toml", context="training")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository", PIPELINE, {})


@pytest.fixture
def runner(served: Server, repository: Path, tmp_path: Path) -> Runner:
    programs = tmp_path / "programs"
    programs.mkdir()
    path = with_programs(programs, docker=DOCKER, syft=SYFT, grype=GRYPE)
    without = {"AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION"}
    clean = {name: value for name, value in served.environment.items() if name not in without}

    def uploaded(inputs: Any, _environment: Any) -> None:
        name = {"image-sbom": "image.cdx.json"}.get(inputs["name"], "report.html")
        assert (repository / inputs["path"] / name).stat().st_size > 100

    runner = Runner(
        contexts={
            "vars": {"AWS_ACCOUNT_ID": ACCOUNT, "AWS_REGION": "us-east-1", "PRICE": "0.1"},  # the emulator has no price list
            "inputs": {"environment": "production", "again": "production", "job": "", "max_cost": "", "wait": True},
            "github": {"event_name": "push", "run_id": "7", "run_attempt": "1"},
        },
        actions={
            **dict.fromkeys(("actions/checkout", "actions/setup-python"), lambda *_: None),
            "actions/upload-artifact": uploaded,
            "actions/attest-build-provenance": signed,
            "actions/attest": signed_list(repository),
        },
        environment={
            **clean,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), path]),
            "SPOKEN": str(tmp_path / "spoken"),
            "SM_EMULATOR_STATE": str(tmp_path / "state"),
        },
        summary=tmp_path / "summary.md",
        left_out=dict.fromkeys(INSTALLS, "it installs from PyPI"),
        folder=repository,
    )
    runner.actions = {**runner.actions, "aws-actions/configure-aws-credentials": role_taker(served, runner)}
    return runner


def run(runner: Runner, workflow: str, event: str) -> list[str]:
    """Run the jobs of a workflow that are for an event; what they have `sm-tuning` do."""
    document = yaml.safe_load((runner.folder / ".github/workflows" / workflow).read_text())
    runner.contexts["github"]["event_name"] = event
    jobs = document["jobs"]
    document["jobs"] = {name: job for name, job in jobs.items() if (name == "check") is (event == "pull_request")}
    before = len(runner.ran)
    runner.run_document(document)
    words = [command[command.index("sm-tuning ") :].split() for command in runner.ran[before:] if "sm-tuning " in command]
    return [" ".join(line[1:3] if line[1] == "infra" else line[1:2]) for line in words]


def test_from_a_pull_request_to_a_tuning_job_and_back(runner: Runner, infra: Command) -> None:
    said = infra(*[word for word in PIPELINE.bootstrap()[1:] if word != "--aws"])  # the test's command adds it
    assert said.code == 0, said.err
    assert run(runner, "tuning.yml", "pull_request") == ["plan"]
    launching = ["infra changes", "infra deploy", "infra push", "doctor", "run"]
    assert run(runner, "tuning.yml", "push") == [*launching, "report", "diagnose", "stop"]
    assert "own-i-production:" in Path(runner.environment["SPOKEN"]).read_text()
    _is_gated(runner)
    assert "infra follow-up" in run(runner, "tuning.yml", "schedule")
    reports = [path.name for path in (runner.folder / "tuning-report").iterdir()]
    assert sorted(reports) == ["report.html", "run-7-1.html"]
    assert run(runner, "tuning-teardown.yml", "workflow_dispatch") == ["infra teardown"]
    of_us = 'python -m pip install --quiet --no-deps --no-build-isolation "$PACKAGE"'  # of a repository that is sm-tuning's own
    assert set(commands("sm-tuning.yml")) - {*INSTALLS, of_us} <= set(runner.ran), "each line of it"
    assert infra("outputs", "BucketName", *of("own-i")).code == 1, "it is gone"


def _is_gated(runner: Runner) -> None:
    """The image is there by now; what has become known of its packages fails the pipeline all the same, and nothing is signed."""
    document = yaml.safe_load((runner.folder / ".github/workflows/sm-tuning.yml").read_text())
    deploy = document["jobs"]["deploy"]
    steps = [step for step in deploy["steps"] if "credentials" in step.get("uses", "") or step.get("id") == "push"]
    signing = [step for step in deploy["steps"] if "attest" in step.get("uses", "")]
    assert signing == deploy["steps"][-2:], "they come after what may fail"
    contexts, environment = runner.contexts, runner.environment
    inputs = {"do": "deploy", "project": "own-i", "environment": "production", "context": "training"}
    runner.contexts = {**contexts, "inputs": inputs}
    runner.environment = {**environment, "KNOWN": "High Critical"}
    refusal = r"Grype finds in sbom/image\.cdx\.json what newer packages mend: urllib3 1\.26\.4 \(GHSA-q2q7, Critical; 2\)"
    with pytest.raises(AssertionError, match=refusal):
        runner.run_document({"env": document["env"], "jobs": {"deploy": {**deploy, "steps": steps}}})
    runner.contexts, runner.environment = contexts, environment


def test_a_tuning_job_need_not_be_waited_for(runner: Runner) -> None:
    called = yaml.safe_load((runner.folder / ".github/workflows/sm-tuning.yml").read_text())["jobs"]["tune"]
    for wait, option, reports in ((True, "--wait", 3), (False, "--no-wait", 0)):
        runner.contexts["inputs"] = {"wait": wait}
        assert runner.text(called["env"]["WAIT"]) == option
        assert (
            len([step for step in called["steps"] if "inputs.wait" in step.get("if", "") and runner.true(step["if"])]) == reports
        )


@pytest.mark.parametrize("provider", ["github", "gitlab"])
def test_nothing_is_left_to_fill_in_or_overwritten(tmp_path: Path, provider: str) -> None:
    pipeline = Pipeline(project="mine", repository="us/digits", provider=provider, job="jobs/a.toml", context="image")
    for path in pipeline.write(tmp_path):
        text = path.read_text()
        assert "@PROJECT@" not in text
        assert "@JOB@" not in text
        assert "mine" in text or path.name in {"sm-tuning.yml", "dependabot.yml"}, "what they call has inputs"
        assert list(yaml.safe_load_all(text))
    with pytest.raises(Invalid, match="nothing is overwritten"):
        pipeline.write(tmp_path)


def test_a_repository_keeps_its_own_dependabot(tmp_path: Path) -> None:
    ours = tmp_path / ".github/dependabot.yml"
    ours.parent.mkdir()
    ours.write_text("version: 2\n")
    assert ours not in PIPELINE.write(tmp_path)
    assert ours.read_text() == "version: 2\n"
    written = yaml.safe_load(PIPELINE.files()[".github/dependabot.yml"])
    assert [update["directory"] for update in written["updates"]] == ["/", "/.github", "/training"]
    assert {update["package-ecosystem"] for update in written["updates"]} == {"github-actions", "pip", "docker"}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("project", "Mine"),
        ("repository", "digits"),
        ("job", 'a"; rm -rf x'),
        ("job", "/a.toml"),
        ("context", "$(x)"),
        ("context", "../x"),
    ],
)
def test_what_could_not_be_written_into_a_workflow_is_refused(member: str, value: str) -> None:
    members = {"project": "mine", "repository": "us/digits", "provider": "github", "job": "a.toml", "context": "image"}
    with pytest.raises(Invalid, match=f"{member} is .*; it must be"):
        Pipeline(**{**members, member: value})


@pytest.mark.parametrize(
    ("context", "folder", "paths"), [(".", ".", "**"), ("./image/", "image", "image/**"), ("a/image", "a/image", "a/image/**")]
)
def test_a_context_is_written_as_the_filters_of_paths_take_it(context: str, folder: str, paths: str) -> None:
    github = Pipeline(project="mine", repository="us/digits", provider="github", job="./a.toml", context=context)
    workflow = yaml.safe_load(github.files()[".github/workflows/tuning.yml"])
    assert workflow[True]["push"]["paths"][:2] == [paths, "a.toml"]
    assert workflow["jobs"]["tuning"]["with"]["context"] == folder
    docker = yaml.safe_load(github.files()[".github/dependabot.yml"])["updates"][-1]
    assert docker["directory"] == ("/" if folder == "." else f"/{folder}")
    gitlab = replace(github, provider="gitlab")
    inputs = yaml.safe_load(gitlab.files()[".gitlab/tuning.yml"])["include"][0]["inputs"]
    assert (inputs["context"], inputs["paths"][:2]) == (folder, [f"{paths}/*", "a.toml"])


def test_gitlab_gives_no_environment_and_so_no_right_to_delete() -> None:
    words = Pipeline(project="mine", repository="us/digits", provider="gitlab", job="a.toml", context="image").bootstrap()
    assert "DeploySubjects=project_path:us/digits:ref_type:branch:ref:main" in words
    assert not [word for word in words if word.startswith("TeardownSubjects")]


def test_actions_are_those_of_this_repository() -> None:
    """What a user gets is pinned as our own workflows are."""
    ours = "".join(path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml"))
    lines = [line.strip() for content in PIPELINE.files().values() for line in content.splitlines() if "uses:" in line]
    assert lines
    assert [line for line in lines if line not in ours] == []


REPORT = {
    "environment": {"python_version": "3.11", "sys_platform": "linux", "platform_machine": "x86_64"},
    "install": [
        {
            "metadata": {"name": "Click", "version": "8.1"},
            "download_info": {"url": "https://x.test/click.whl", "archive_info": {"hashes": {"sha256": "ab"}}},
        }
    ],
}


def test_a_lock_names_every_package_with_its_hash() -> None:
    assert locked(REPORT, ["click"]).splitlines()[1:] == ["click==8.1 --hash=sha256:ab"]
    folder = json.loads(json.dumps(REPORT))
    folder["install"][0]["download_info"] = {"url": "file:///click", "dir_info": {}}
    with pytest.raises(Invalid, match="Click has no hash: file:///click is no archive"):
        locked(folder, ["click"])


def test_a_lock_of_a_wheel_has_pip_look_beside_it() -> None:
    report = json.loads(json.dumps(REPORT))
    mirrored = {
        **report["install"][0],
        "download_info": {**report["install"][0]["download_info"], "url": "file:///mirror/click.whl"},
    }
    wheel = {**mirrored, "is_direct": True, "download_info": {**mirrored["download_info"], "url": "file:///my%20dist/click.whl"}}
    assert wheels({**report, "install": [mirrored]}) == []
    assert wheels({**report, "install": [wheel]}) == [Path("/my dist/click.whl")]
    lines = locked({**report, "install": [wheel]}, ["/my dist/click.whl[x]"]).splitlines()
    assert lines[1:] == ["--find-links .", "click==8.1 --hash=sha256:ab"]
    assert lines[0].startswith("# click.whl[x] for "), "no path of a machine"
