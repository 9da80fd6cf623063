"""Members of requests are read in `local_emulator.documents` alone, and by what takes a request in before it is parsed."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import members
from tests.conftest import ROOT

PACKAGE = ROOT / "local_emulator"
OPERATIONS = ("CreateTrainingJob", "UpdateTrainingJob", "CreateHyperParameterTuningJob")

# Operations that are given a request, and how often they read a member of it: the job's name.
ALLOWED = {"api/training_jobs.py": 2, "api/tuning_jobs.py": 2}
RULES = {"api/limits.py", "api/processing_rules.py", "api/transform_rules.py"}  # judges requests before they are parsed
# What has members of the same names: CloudFormation's templates, files in /opt/ml/input/config, functions in pipelines' definitions.
FOREIGN = {"cloud", "algorithms", "pipelines"}


def reads(source: str) -> int:
    """How many expressions look a member of a request up."""
    return len(members.reads(source, members.members(OPERATIONS, "input_shape")))


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('job.request["StoppingCondition"].get("MaxRuntimeInSeconds", 0)', 2),
        ('"CheckpointConfig" in job.request and job.request.pop("RoleArn")', 2),
        ('answer = {"RoleArn": spec.role_arn}', 0),
        ('answer["RoleArn"] = spec.role_arn', 0),
        ('container.wait()["StatusCode"]', 0),
        ('request["TrainingJobName"]', 1),
    ],
)
def test_reads_are_counted(source: str, count: int) -> None:
    assert reads(source) == count


def _modules() -> Iterator[tuple[str, Path]]:
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if not ({"documents"} | RULES | FOREIGN) & {name, name.partition("/")[0]}:
            yield name, path


def test_nobody_else_reads_members_of_requests() -> None:
    assert {name: count for name, path in _modules() if (count := reads(path.read_text()))} == ALLOWED


def test_a_request_is_never_changed_without_its_parsed_form() -> None:
    """`replace(job, request=…)` would leave `spec` or `plan` as it was."""
    for name, path in _modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "replace":
                assert "request" not in {keyword.arg for keyword in node.keywords}, (name, node.lineno)
