"""The workflows of this repository: what each hands to the one that all call, and every `run:` of ci.yml, carried out.

The commands of the one that they call are carried out in a repository of a user's (test_init), as are GitLab's (test_gitlab).
"""

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, Server
from tests.infra.conftest import JOB as SMALL_JOB
from tests.infra.workflow import ACCOUNT, Runner, commands, with_programs

pytestmark = pytest.mark.slow(16)

WORKFLOWS = ("ci.yml", "deploy.yml", "follow-up.yml", "sm-tuning.yml", "teardown.yml")
# Actions that AWS, PyPI and GitHub Pages know by GitHub's token, in an environment that says who may.
KNOWN_BY_THEIR_TOKEN = {"aws-actions/configure-aws-credentials", "pypa/gh-action-pypi-publish", "actions/deploy-pages"}
# This suite itself is what they run.
SELF = {
    "make check": "it checks this very tree",
    "make coverage": "it measures a part of this very suite",
    "make unit": "it runs a part of this very suite",
    "make test": "it runs this very suite",
}

WRITTEN = ROOT / "demo-output"  # where `make demo` has left somebody's report, too

# What stands for GitHub's command: it writes down what it was told, and knows one comment, once that was made.
GH = """
import os, sys
words = sys.argv[1:]
made = os.environ["SPOKEN"] + ".comment"
if "--jq" in words:
    print("17" if os.path.exists(made) else "", end="")
else:
    with open(os.environ["SPOKEN"], "a") as file:
        file.write(f"gh {' '.join(words)}\\n")
    open(made, "w").close()
"""
JOB = f"script = '{ROOT / 'training_scripts/mlp.py'}'{SMALL_JOB}"


@pytest.fixture
def runner(served: Server, tmp_path: Path) -> Iterator[Runner]:
    programs = tmp_path / "programs"
    programs.mkdir()
    path = f"{Path(sys.executable).parent}:{with_programs(programs, gh=GH)}"
    offline = tmp_path / "offline.toml"
    offline.write_text(JOB)
    without = {"AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "MAKEFLAGS", "MAKELEVEL"}  # `make test` itself may be what runs this
    clean = {name: value for name, value in served.environment.items() if name not in without}
    runner = Runner(
        contexts={
            "vars": {"OFFLINE_JOB": str(offline)},
            "github": {
                "event_name": "pull_request",
                "repository": "us/digits",
                "token": "t",
                "run_id": "1",
                "run_attempt": "2",
                "server_url": "https://x.test",
                "event": {"pull_request": {"number": 5, "head": {"sha": "abc", "repo": {"full_name": "us/digits"}}}},
            },
        },
        actions={
            "actions/checkout": lambda *_: None,
            "actions/setup-python": lambda *_: None,
            "actions/upload-artifact": _uploaded,
        },
        environment={
            **clean,
            "PATH": path,
            "SPOKEN": str(tmp_path / "spoken"),
            "GITHUB_REPOSITORY": "us/digits",
            "PYTHON": sys.executable,
        },
        summary=tmp_path / "summary.md",
        left_out=SELF,
    )
    with _as_it_was(WRITTEN):
        yield runner


@contextmanager
def _as_it_was(folder: Path) -> Iterator[None]:
    """In the end the files of a folder are those that were there, as they were."""
    before = {path: path.read_bytes() for path in _files(folder)}
    try:
        yield
    finally:
        for path in {*_files(folder)} - before.keys():
            path.unlink()
        for path, content in before.items():
            path.write_bytes(content)


def test_a_report_that_was_there_is_there_again(tmp_path: Path) -> None:
    report, summary = tmp_path / "report.html", tmp_path / "summary.md"
    report.write_text("the demo's")
    with _as_it_was(tmp_path):
        report.write_text("a test's")
        summary.write_text("a test's")
    assert {path: path.read_text() for path in _files(tmp_path)} == {report: "the demo's"}


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _uploaded(inputs: Mapping[str, str], _environment: dict[str, str]) -> None:
    assert any(file.stat().st_size > 100 for file in _files(ROOT / inputs["path"])), f"nothing in {inputs['path']}"


@dataclass(frozen=True)
class Taken:
    """A role that a job takes, and what that job is to do."""

    role: str
    inputs: Mapping[str, Any]
    job: str


DISPATCHED = {"environment": "staging", "again": "staging", "job": "", "max_cost": "", "wait": False}
OURS = {"project": "sm-tuning", "lock": "infra/requirements.txt", "package": "."}


@pytest.mark.parametrize(
    ("workflow", "event", "environment", "roles", "inputs"),
    [
        ("deploy.yml", "push", "production", ["deploy", "launch"], {"do": "deploy", "context": "training_scripts", "wait": True}),
        ("deploy.yml", "workflow_dispatch", "staging", ["deploy", "launch"], {"do": "deploy", "wait": False}),
        ("follow-up.yml", "workflow_dispatch", "staging", ["promote"], {"do": "follow-up"}),
        ("teardown.yml", "workflow_dispatch", "staging", ["teardown"], {"do": "teardown"}),
    ],
)
def test_what_this_repository_has_done(
    tmp_path: Path, workflow: str, event: str, environment: str, roles: list[str], inputs: dict[str, Any]
) -> None:
    taken: list[Taken] = []

    def take(given: Mapping[str, str], variables: dict[str, str]) -> None:
        assert caller.deployment == environment + {"deploy": ""}.get(roles[len(taken)], f"-{roles[len(taken)]}")
        taken.append(Taken(given["role-to-assume"], caller.contexts["inputs"], variables.get("JOB", "")))

    caller = Runner(
        contexts={
            "vars": {"AWS_ACCOUNT_ID": ACCOUNT, "AWS_REGION": "us-east-1"},
            "inputs": DISPATCHED if event == "workflow_dispatch" else {},
            "github": {"event_name": event, "run_id": "1", "run_attempt": "2"},
        },
        actions=defaultdict(lambda: lambda *_: None, {"aws-actions/configure-aws-credentials": take}),
        environment={},
        summary=tmp_path / "summary.md",
        left_out=dict.fromkeys(commands("sm-tuning.yml"), "test_init carries them out"),
    )
    caller.run(workflow)
    role = f"arn:aws:iam::{ACCOUNT}:role/sm-tuning-{environment}-us-east-1-"
    assert [entry.role for entry in taken] == [f"{role}{name}" for name in roles]
    assert all((OURS | inputs).items() <= entry.inputs.items() for entry in taken)
    assert taken[-1].job == ("docs/examples/digits_image.toml" if "launch" in roles else "")
    for path in (inputs.get("context", "training_scripts") + "/Dockerfile", OURS["lock"], taken[-1].job or "."):
        assert (ROOT / path).exists()


def test_a_pull_request(runner: Runner) -> None:
    runner.run("ci.yml")
    assert runner.ran == [command for command in commands("ci.yml") if command not in SELF]
    marker = "<!-- sm-tuning: the tuning job of this pull request -->"
    command = Path(runner.environment["SPOKEN"]).read_text()
    first = f"gh api --silent --method POST repos/us/digits/issues/5/comments --raw-field body={marker}\n### Tuning job\n"
    assert command.startswith(first)
    assert runner.summary.read_text().startswith("### Tuning job\n\n```text\n")
    again = _comment(runner, "again")
    assert again.startswith(
        f"gh api --silent --method PATCH repos/us/digits/issues/comments/17 --raw-field body={marker}\nagain\n"
    )
    assert again.endswith("Of abc; [report and log](https://x.test/us/digits/actions/runs/1)\n")


def _comment(runner: Runner, text: str) -> str:
    """What is said to GitHub for one comment more."""
    spoken = Path(runner.environment["SPOKEN"])
    spoken.unlink()
    facts = {"COMMIT": "abc", "REPORT": "https://x.test/us/digits/actions/runs/1"}
    subprocess.run([ROOT / ".ci/comment.sh", "5"], input=text, env={**runner.environment, **facts}, text=True, check=True)
    return spoken.read_text()


def test_a_tuning_job_that_is_waited_for_too_long_goes_on() -> None:
    job = yaml.safe_load((ROOT / ".github/workflows/sm-tuning.yml").read_text())["jobs"]["tune"]
    launch, stop = (next(step for step in job["steps"] if word in step.get("run", "")) for word in ("tuning run", "tuning stop"))
    assert stop["if"] == "cancelled()", "a job whose own time is over is broken off"
    assert launch["timeout-minutes"] + 20 < job["timeout-minutes"], "a step whose time is over has failed, and the report follows"


def test_actions_are_pinned_and_rights_minimal() -> None:
    for name in (*WORKFLOWS, "docs.yml", "release.yml"):
        text = (ROOT / ".github/workflows" / name).read_text()
        document = yaml.safe_load(text)
        assert document["permissions"] == {}
        own = [job for job in document["jobs"].values() if "concurrency" in job]
        assert "concurrency" in document or len(own) == len(document["jobs"]), "none waits for another's approval"
        for used in re.findall(r"uses: (.*)", text):
            assert used.startswith("./.github/workflows/") or re.fullmatch(
                r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used
            ), used
        for job in document["jobs"].values():
            if "uses" in job:
                continue
            assert "timeout-minutes" in job
            used_here = {step.get("uses", "").split("@")[0] for step in job.get("steps", ())}
            known_by_its_token = bool(used_here & KNOWN_BY_THEIR_TOKEN)
            assert known_by_its_token == ("environment" in job)
            signs = "actions/attest-build-provenance" in used_here
            assert (known_by_its_token or signs) == (job["permissions"].get("id-token") == "write")


def test_gitlab_runs_the_same_commands() -> None:
    own = yaml.safe_load((ROOT / "infra/gitlab-ci.yml").read_text())
    _, component = yaml.safe_load_all((ROOT / "templates/sm-tuning.yml").read_text())
    # A merge request's comment needs a token that may write, which GitLab gives no job: the summary is an artifact there.
    assert _lines(own, "make ") == {command.split(" >> ")[0] for command in commands("ci.yml")} - {"make comment"}
    verbs = {_verb(line) for line in _lines(component, "sm-tuning ")}
    theirs = {_verb(command) for command in commands("sm-tuning.yml") if "sm-tuning " in command}
    assert verbs - {"plan"} == theirs, "GitHub's check is the caller's"
    inputs = next(yaml.safe_load_all((ROOT / "templates/sm-tuning.yml").read_text()))["spec"]["inputs"]
    github = yaml.safe_load((ROOT / ".github/workflows/sm-tuning.yml").read_text())[True]["workflow_call"]["inputs"]
    assert inputs.keys() - {"paths"} == github.keys() - {"do"}, "at GitHub, the caller says when"
    assert own["include"][0]["inputs"].keys() <= inputs.keys()


def _lines(document: Mapping[str, Any], program: str) -> set[str]:
    """Commands of a program in the scripts of GitLab's jobs."""
    jobs = [job for job in document.values() if isinstance(job, dict)]
    lines = [line for job in jobs for part in ("script", "after_script") for line in job.get(part, ())]
    return {line.split(" | ")[0] for line in lines if program in line}


def _verb(command: str) -> str:
    """What a command line has `sm-tuning` do."""
    words = command[command.index("sm-tuning ") :].split()
    return " ".join(words[1:3] if words[1] == "infra" else words[1:2])
