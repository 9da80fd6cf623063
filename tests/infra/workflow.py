"""GitHub's workflows on this machine: their steps in order, with a local meaning for each action, and their expressions evaluated."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

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

    def run(self, workflow: str) -> None:
        """Every job in order, each with an environment of its own."""
        self.run_document(yaml.safe_load((ROOT / ".github/workflows" / workflow).read_text()))

    def run_document(self, document: Mapping[str, Any]) -> None:
        """The same of a workflow that is no file."""
        for job in document["jobs"].values():
            assert self._true(str(job.get("if", "true"))), f"the job {job['name']} is not for this run"
            self._job(job, document.get("env", {}))

    def _job(self, job: Mapping[str, Any], shared: Mapping[str, str]) -> None:
        if "uses" in job:  # another workflow
            self.actions[job["uses"]]({}, {})
            return
        self.contexts["env"] = dict(shared)
        own = {name: self._text(value) for name, value in {**shared, **job.get("env", {})}.items()}
        self.contexts["env"] = own
        environment = {**self.environment, **own}
        for step in job["steps"]:
            if self._true(str(step.get("if", "true"))):
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
                if self._true(str(step.get("if", "true"))):
                    environment["GITHUB_ACTION_PATH"] = str(action)
                    self._step(step, environment)
            return {name: self._text(facts["value"]) for name, facts in document["outputs"].items()}
        finally:
            self.contexts = outer

    def _step(self, step: Mapping[str, Any], environment: dict[str, str]) -> None:
        if "uses" in step:
            action = step["uses"].split("@")[0]
            inputs = {name: self._text(str(value)) for name, value in step.get("with", {}).items()}
            self.actions[action](inputs, environment)
            return
        command = step["run"]
        if command in self.left_out:
            return
        own = {name: self._text(value) for name, value in step.get("env", {}).items()}
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

    def _text(self, value: str) -> str:
        return _EXPRESSION.sub(lambda match: str(self._value(match[1])), str(value))

    def _true(self, condition: str) -> bool:
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


def commands(workflow: str) -> list[str]:
    """Every `run:` of a workflow."""
    document = yaml.safe_load((ROOT / ".github/workflows" / workflow).read_text())
    return [step["run"] for job in document["jobs"].values() for step in job.get("steps", ()) if "run" in step]


def with_programs(folder: Path, **programs: str) -> str:
    """A PATH on which these Python programs come first."""
    for name, code in programs.items():
        (folder / name).write_text(f"#!/usr/bin/env python3\n{code}")
        (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"
