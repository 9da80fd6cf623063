"""The GitHub Action, step by step, in the workflow that docs/ci.md shows, in a repository of a user's."""

import json
import os
import re
import shutil
import signal
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_emulator.state_folder import read_owner
from tests.acceptance import wheel
from tests.conftest import ROOT
from tests.infra.workflow import Runner

pytestmark = pytest.mark.slow(17)

WORKFLOW = yaml.safe_load(next(re.finditer(r"```yaml\n(.*?)```", (ROOT / "docs/ci.md").read_text(), re.DOTALL))[1])
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


@dataclass
class Job:
    """A job of a user's workflow, and what the action has come to in it."""

    runner: Runner
    action: Path
    temporary: Path
    outputs: list[Mapping[str, str]] = field(default_factory=list)
    uploaded: list[tuple[str, list[str]]] = field(default_factory=list)
    tracked: list[bool] = field(default_factory=list)

    @property
    def state(self) -> Path:
        return self.temporary / "sm-tuning"

    def act(self, inputs: Mapping[str, str], environment: dict[str, str]) -> None:
        """The action."""
        self.outputs.append(self.runner.composite(self.action, inputs, environment))
        if owner := read_owner(self.state):
            variables = Path(f"/proc/{owner['pid']}/environ").read_bytes().split(b"\0")
            self.tracked.append(b"RUNNER_TRACKING_ID=github_1" in variables)

    def upload(self, inputs: Mapping[str, str], _environment: dict[str, str]) -> None:
        """GitHub's action that keeps files."""
        self.uploaded.append((inputs["name"], sorted(path.name for path in Path(inputs["path"]).glob("*"))))


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    """Its `python` is a user's; pip installs what the action names into a folder, beside the packages that are there."""
    site, repository, temporary = (tmp_path / name for name in ("site", "repository", "temporary"))
    for folder in (repository, temporary):
        folder.mkdir()
    for name in ("minimal.py", "contract.py"):
        shutil.copy(ROOT / "training_scripts" / name, repository)
    text = (ROOT / "docs/examples/digits.toml").read_text().replace("../../training_scripts/mlp.py", "minimal.py")
    (repository / "job.toml").write_text(text.replace("max_jobs = 12", "max_jobs = 2").replace("high = 16 }", "high = 5 }"))
    action = wheel.source(tmp_path / "action")
    shutil.copy(ROOT / "action.yml", action)
    python = Path(wheel.guest_python("default")).parent
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.pathsep.join([str(site / "bin"), str(python), os.environ["PATH"]]),
        "PYTHONPATH": str(site),
        "PIP_TARGET": str(site),
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say yes
        "RUNNER_TRACKING_ID": "github_1",
    }
    contexts = {"runner": {"temp": str(temporary)}}
    runner = Runner(contexts, {}, environment, tmp_path / "summary.md", folder=repository)
    tried = Job(runner, action, temporary)
    nothing: Any = lambda *_: None  # noqa: E731 - stands in for what has been done here
    runner.actions = {
        **dict.fromkeys(("actions/checkout", "actions/setup-python"), nothing),
        "actions/upload-artifact": tried.upload,
        "OWNER/sm-tuning": tried.act,
    }
    yield tried
    if isinstance(pid := (read_owner(tried.state) or {}).get("pid"), int):
        os.kill(pid, signal.SIGTERM)


def test_the_workflow_of_the_docs_and_one_without_a_tuning_job(job: Job) -> None:
    runner = job.runner
    runner.run_document(WORKFLOW)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", job.outputs[0]["url"])
    assert job.uploaded == [("tuning-report", ["report.html"])]
    assert "best" in runner.summary.read_text()
    assert job.tracked == [True], "by which GitHub ends what a job has left; after `finish` nothing is left"
    commands = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    assert [command for command in commands if command not in runner.ran] == commands[:1]

    runner.left_out = {commands[1]: "it is installed"}
    for folder in (job.state, job.temporary / "tuning-report"):
        shutil.rmtree(folder)
    runner.summary.unlink()
    environment = dict(runner.environment)
    job.act({"options": "--parallel 3 --image '*my image*=echo a b'"}, environment)
    with urllib.request.urlopen(f"{environment['AWS_ENDPOINT_URL']}/_health", timeout=60) as answer:
        assert json.load(answer)["parallel"] == 3
    job.act({"do": "finish", "name": "mine"}, environment)
    assert job.uploaded[1:] == [("mine", [])]
    assert not runner.summary.exists()
    assert read_owner(job.state) is None


@pytest.mark.parametrize("what", ["begin", ""])
def test_what_it_does_not_know_it_refuses(job: Job, what: str) -> None:
    with pytest.raises(AssertionError, match=f"do: '{what}' must be 'start' or 'finish'"):
        job.act({"do": what}, dict(job.runner.environment))
    assert job.runner.ran == []


def test_inputs_are_documented() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.*?)`)?", (ROOT / "docs/ci.md").read_text(), re.MULTILINE)
    assert {name: default for name, default in rows} == {name: facts["default"] for name, facts in ACTION["inputs"].items()}  # noqa: C416
