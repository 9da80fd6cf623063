"""GitLab's pipelines on this machine: which jobs there are by their rules, and a job's lines in one shell, as a runner has them."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

_INPUT = re.compile(r"\$\[\[ inputs\.(\w+) \]\]")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_TERM = re.compile(r'\$(\w+) (==|!=) (?:"([^"]*)"|\$(\w+))')
_KEYWORDS = {"spec", "include", "variables", "default"}


@dataclass
class Runner:
    """Carries out jobs of a repository; `variables` are the project's and those that GitLab makes, `environment` is the machine's."""

    repository: Path
    variables: Mapping[str, str]
    environment: Mapping[str, str]
    changed: tuple[str, ...] = ()
    """The files that the pipeline's commit changes."""

    file: str = ".gitlab-ci.yml"
    ran: list[str] = field(default_factory=list)

    def pipeline(self, source: str) -> Mapping[str, Mapping[str, Any]]:
        """Jobs of a pipeline with this source, with what their rules say of them."""
        variables = {**self.variables, "CI_PIPELINE_SOURCE": source}
        if source == "merge_request_event":
            del variables["CI_COMMIT_BRANCH"]  # GitLab has none there
        jobs = {}
        for name, job in self._jobs().items():
            rule = next((rule for rule in job.get("rules", [{}]) if self._holds(rule, variables)), None)
            if rule is not None:
                said = {key: value for key, value in rule.items() if key not in {"if", "changes"}}
                jobs[name] = {**job, **said}
        return jobs

    def run(self, name: str, **made: str) -> str:
        """Carry out a job; what it printed. `made` are variables that GitLab makes for this job."""
        job = self._jobs()[name]
        variables = self._expanded({**self._document()["variables"], **job.get("variables", {}), **self.variables, **made})
        if environment := job.get("environment"):
            variables["CI_ENVIRONMENT_NAME"] = environment
        lines = [*job.get("before_script", ()), *job["script"]]
        printed, code = self._shell(lines, {**self.environment, **variables})
        status = {"CI_JOB_STATUS": "failed" if code else "success"}
        after, _ = self._shell(
            job.get("after_script", ()), {**self.environment, **variables, **status}
        )  # GitLab minds no failure
        assert code == 0, printed + after
        for path in job.get("artifacts", {}).get("paths", ()):
            assert any((self.repository / path).iterdir()), f"no artifact in {path}"
        for path in job.get("artifacts", {}).get("reports", {}).values():
            assert (self.repository / path).is_file()
        self.ran += [*lines, *job.get("after_script", ())]
        return printed + after

    def lines(self) -> list[str]:
        """Every line of every job, hidden ones' too."""
        jobs = [job for job in self._document().values() if isinstance(job, Mapping)]
        return [line for job in jobs for part in ("before_script", "script", "after_script") for line in job.get(part, ())]

    def _shell(self, lines: Any, environment: Mapping[str, str]) -> tuple[str, int]:
        """All lines in one shell, as GitLab's runner starts it."""
        words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", "\n".join(lines)]
        done = subprocess.run(words, cwd=self.repository, env=environment, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr, done.returncode

    def _jobs(self) -> Mapping[str, Mapping[str, Any]]:
        document = self._document()
        return {name: _extended(document, name) for name in document if name not in _KEYWORDS and not name.startswith(".")}

    def _document(self) -> dict[str, Any]:
        """What the repository's file and all that it includes say."""
        return dict(_read(self.repository, self.repository / self.file, {}))

    def _holds(self, rule: Mapping[str, Any], variables: Mapping[str, str]) -> bool:
        terms = rule["if"].split(" && ") if "if" in rule else []
        for term in terms:
            match = _TERM.fullmatch(term)
            assert match is not None, term
            left, operator, text, other = match.groups()
            right = text if other is None else variables.get(other)
            if (variables.get(left) == right) is not (operator == "=="):
                return False
        patterns = rule.get("changes")
        return patterns is None or any(fnmatch(path, pattern.replace("**/", "")) for path in self.changed for pattern in patterns)

    def _expanded(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Variables whose values name others; one that there is not is empty."""

        def value(text: str) -> str:
            return _VARIABLE.sub(lambda match: value(str(variables.get(match[1] or match[2], ""))), text)

        return {name: value(str(text)) for name, text in variables.items()}


def _read(repository: Path, path: Path, given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    *header, body = yaml.safe_load_all(path.read_text())
    declared = header[0]["spec"]["inputs"] if header else {}
    assert given.keys() <= declared.keys(), given
    inputs = {name: given[name] if name in given else facts["default"] for name, facts in declared.items()}
    for name, facts in declared.items():
        assert isinstance(inputs[name], {"array": list}.get(facts.get("type", "string"), str)), name
        assert inputs[name] in facts.get("options", [inputs[name]]), name
    document = _filled(body, inputs)
    for include in document.pop("include", ()):
        yield from _read(repository, repository / include["local"], include.get("inputs", {}))
    yield from document.items()


def _filled(value: Any, inputs: Mapping[str, Any]) -> Any:
    """A document with its inputs; one that is a whole value keeps its type."""
    if isinstance(value, dict):
        return {key: _filled(member, inputs) for key, member in value.items()}
    if isinstance(value, list):
        return [_filled(member, inputs) for member in value]
    if not isinstance(value, str):
        return value
    if whole := _INPUT.fullmatch(value):
        return inputs[whole[1]]
    return _INPUT.sub(lambda match: str(inputs[match[1]]), value)


def _extended(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A job over what it extends: mappings are merged, all else is replaced."""
    job = dict(document[name])
    base = _extended(document, job["extends"]) if "extends" in job else {}
    merged = {**base, **job}
    for key in base.keys() & job.keys():
        if isinstance(base[key], Mapping) and isinstance(job[key], Mapping):
            merged[key] = {**base[key], **job[key]}
    return merged
