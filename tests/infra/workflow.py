"""GitHub's workflows on this machine: their steps in order, with a local meaning for each action, and their expressions evaluated."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT, Server

ACCOUNT = "123456789012"
_TOKEN = re.compile(r"\s*('[^']*'|\|\||&&|==|!=|[A-Za-z_][\w.-]*(?:\(\))?)")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")


@dataclass
class Runner:
    """Carries out a workflow's jobs; `contexts` are github, vars, inputs; `actions` what stands in for an action, by its name.

    `folder` is where the commands run: the repository that is checked out.
    """

    contexts: dict[str, Any]
    actions: Mapping[str, Callable[[Mapping[str, str], dict[str, str]], None]]
    environment: Mapping[str, str]
    summary: Path
    left_out: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT
    ran: list[str] = field(default_factory=list)
    reached: list[str] = field(default_factory=list)
    """Those that ran and those left out."""

    deployment: str = ""
    """The environment of GitHub's that the job now runs in, which its token names."""

    def run(self, workflow: str) -> None:
        """Every job in order, each with an environment of its own."""
        self.run_document(yaml.safe_load((ROOT / ".github/workflows" / workflow).read_text()))

    def run_document(self, document: Mapping[str, Any]) -> None:
        """The same of a workflow that is no file."""
        for job in document["jobs"].values():
            assert self.true(str(job.get("if", "true"))), f"the job {job['name']} is not for this run"
            self._job(job, document.get("env", {}))

    def _called(self, path: str, given: Mapping[str, Any]) -> None:
        """The jobs of a workflow that another one calls, but for those that are not for this run, and what needs them."""
        document = yaml.safe_load((self.folder / path).read_text())
        declared = document[True]["workflow_call"]["inputs"]  # YAML's `on` is a truth value
        assert given.keys() <= declared.keys(), given
        assert {name for name, facts in declared.items() if facts.get("required")} <= given.keys()
        values = {name: self._typed(value) for name, value in given.items()}
        outer = self.contexts
        defaults = {name: facts.get("default", "") for name, facts in declared.items()}
        self.contexts = {**outer, "inputs": {**defaults, **values}, "steps": {}}
        ran: set[str] = set()
        for name, job in document["jobs"].items():
            if job.get("needs", name) in {name, *ran} and self.true(str(job.get("if", "true"))):
                self._job(job, document.get("env", {}))
                ran.add(name)
        assert ran, f"nothing of {path} is for this run"
        self.contexts = outer

    def _typed(self, value: Any) -> Any:
        """An input: an expression alone keeps its type."""
        match = _EXPRESSION.fullmatch(str(value))
        return self._value(match[1]) if match else value

    def _job(self, job: Mapping[str, Any], shared: Mapping[str, str]) -> None:
        if job.get("uses") in self.actions:
            self.actions[job["uses"]]({}, {})
            return
        if "uses" in job:
            self._called(job["uses"], job.get("with", {}))
            return
        self.deployment = self.text(job.get("environment", ""))
        self.contexts["env"] = {name: self.text(value) for name, value in shared.items()}
        own = {name: self.text(value) for name, value in {**shared, **job.get("env", {})}.items()}
        self.contexts["env"] = own
        environment = {**self.environment, **own}
        for step in job["steps"]:
            if self.true(str(step.get("if", "true"))):
                self._step(step, environment)

    def composite(self, action: Path, inputs: Mapping[str, str], environment: dict[str, str]) -> Mapping[str, str]:
        """Carry out a composite action of this repository; its outputs."""
        document = yaml.safe_load((action / "action.yml").read_text())
        assert inputs.keys() <= document["inputs"].keys(), inputs
        outer = self.contexts
        defaults = {name: facts.get("default", "") for name, facts in document["inputs"].items()}
        self.contexts = {**outer, "inputs": {**defaults, **inputs}, "steps": {}}
        try:
            for step in document["runs"]["steps"]:
                assert "uses" in step or step["shell"] == "bash", step
                if self.true(str(step.get("if", "true"))):
                    environment["GITHUB_ACTION_PATH"] = str(action)
                    self._step(step, environment)
            return {name: self.text(facts["value"]) for name, facts in document["outputs"].items()}
        finally:
            self.contexts = outer

    def _step(self, step: Mapping[str, Any], environment: dict[str, str]) -> None:
        if "uses" in step:
            action = step["uses"].split("@")[0]
            inputs = {name: self.text(str(value)) for name, value in step.get("with", {}).items()}
            self.actions[action](inputs, environment)
            return
        command = step["run"]
        self.reached.append(command)
        if command in self.left_out:
            return
        own = {name: self.text(value) for name, value in step.get("env", {}).items()}
        shell = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", command]  # GitHub's own words
        files = {name: self.summary.with_name(name) for name in ("GITHUB_ENV", "GITHUB_OUTPUT")}
        for path in files.values():
            path.write_text("")
        everything = {**environment, **own, **{name: str(path) for name, path in files.items()}}
        everything["GITHUB_STEP_SUMMARY"] = str(self.summary)
        done = subprocess.run(shell, cwd=self.folder, env=everything, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
        self.ran.append(command)
        environment |= _assigned(files["GITHUB_ENV"])
        if "id" in step:
            self.contexts.setdefault("steps", {})[step["id"]] = {"outputs": _assigned(files["GITHUB_OUTPUT"])}

    # --- expressions ----------------------------------------------------------------------------------------------------

    def text(self, value: str) -> str:
        """A text with its expressions evaluated."""
        return _EXPRESSION.sub(lambda match: str(self._value(match[1])), str(value))

    def true(self, condition: str) -> bool:
        """Whether a condition holds."""
        return bool(self._value(_EXPRESSION.sub(r"\1", condition)))

    def _value(self, expression: str) -> Any:
        """Literals, contexts, always(), cancelled(), == and !=, && and ||, which bind in this order."""
        tokens = _TOKEN.findall(expression)
        assert "".join(tokens) == re.sub(r"\s", "", expression) or "'" in expression, expression
        either: Any = ""
        for alternative in _split(tokens, "||"):
            both: Any = True
            for term in _split(alternative, "&&"):
                differ = "!=" in term
                sides = [self._one(side[0]) for side in _split(term, "!=" if differ else "==")]
                both = both and (sides[0] if len(sides) == 1 else (sides[0] == sides[1]) is not differ)
            either = either or both
        return either

    def _one(self, token: str) -> Any:
        if token.startswith("'"):
            return token[1:-1]
        if token in {
            "true",
            "always()",
            "cancelled()",
        }:  # what is for a run that was broken off is tried at the end of one that was not
            return True
        value: Any = self.contexts
        for name in token.split("."):
            value = value.get(name, "") if isinstance(value, Mapping) else ""
        return value


def _assigned(file: Path) -> Mapping[str, str]:
    """NAME=VALUE lines."""
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def _split(tokens: list[str], operator: str) -> Iterator[list[str]]:
    part: list[str] = []
    for token in tokens:
        if token == operator:
            yield part
            part = []
        else:
            part.append(token)
    yield part


def commands(workflow: str, *jobs: str) -> list[str]:
    """Every `run:` of a workflow, or of some of its jobs."""
    document = yaml.safe_load((ROOT / ".github/workflows" / workflow).read_text())
    chosen = [document["jobs"][name] for name in jobs or document["jobs"]]
    return [step["run"] for job in chosen for step in job.get("steps", ()) if "run" in step]


def with_programs(folder: Path, **programs: str) -> str:
    """A PATH on which these Python programs, which need the standard library alone, come first."""
    for name, code in programs.items():
        (folder / name).write_text(f"#!{sys.executable} -S\n{code}")
        (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


# What stands for Docker: it writes down what it was told, and knows each image by one digest.
DOCKER = """
import os, sys
verb, words = sys.argv[1], sys.argv[2:]
with open(os.environ["SPOKEN"], "a") as file:
    file.write(f"docker {' '.join(sys.argv[1:])}\\n")
if verb == "build":
    assert os.path.exists(os.path.join(words[-1], "Dockerfile")), words
if verb == "image":
    print('[{"Id": "sha256:' + "0" * 64 + '"}]')
"""

# What stands for Syft and Grype: an image of one package, of which nothing is known but what KNOWN says.
SYFT = """
import json, os, sys
path = sys.argv[sys.argv.index("--output") + 1].removeprefix("cyclonedx-json=")
image = {"name": sys.argv[2], "version": "sha256:" + "0" * 64}
packages = [{"type": "library", "name": "urllib3", "version": "1.26.4"}]
with open(path, "w") as file:
    json.dump({"bomFormat": "CycloneDX", "metadata": {"component": image}, "components": packages}, file)
"""
GRYPE = """
import json, os, sys
(package,) = json.load(open(sys.argv[1].removeprefix("sbom:")))["components"]
fix = {"state": "fixed", "versions": ["2"]}
known = [{"id": "GHSA-q2q7", "severity": severity, "fix": fix} for severity in os.environ.get("KNOWN", "").split()]
print(json.dumps({"matches": [{"vulnerability": entry, "artifact": package} for entry in known]}))
"""


def role_taker(served: Server, runner: Runner) -> Callable[[Mapping[str, str], dict[str, str]], None]:
    """AWS's action that takes a role: its trust must name the job's environment exactly."""

    def take(inputs: Mapping[str, str], environment: dict[str, str]) -> None:
        role = served.client("iam").get_role(RoleName=inputs["role-to-assume"].rsplit("/", 1)[1])["Role"]
        assert role["Arn"] == inputs["role-to-assume"]
        assert inputs["allowed-account-ids"] == ACCOUNT
        assert int(inputs.get("role-duration-seconds", 3600)) <= role["MaxSessionDuration"]
        subject = f"repo:us/digits:environment:{runner.deployment}"
        assert f"{subject}'" in str(role["AssumeRolePolicyDocument"]), "the token's subject is exactly the role's"
        assert any("install" in command for command in runner.reached), "packages come before rights"
        taken = served.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="pipeline")["Credentials"]
        environment |= {
            "AWS_REGION": inputs["aws-region"],
            "AWS_DEFAULT_REGION": inputs["aws-region"],
            "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
            "AWS_SESSION_TOKEN": taken["SessionToken"],
        }

    return take


def signed(inputs: Mapping[str, str], _environment: dict[str, str]) -> None:
    """GitHub's actions that attest where an image was built, and what it holds."""
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", inputs["subject-digest"])
    assert inputs["subject-name"].startswith(f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/")


def signed_list(folder: Path) -> Callable[[Mapping[str, str], dict[str, str]], None]:
    """The second of them, which takes a list below a folder."""

    def sign(inputs: Mapping[str, str], environment: dict[str, str]) -> None:
        signed(inputs, environment)
        assert json.loads((folder / inputs["sbom-path"]).read_text())["bomFormat"] == "CycloneDX"

    return sign
