"""Members of requests are read in `local_emulator.documents` alone, and by what takes a request in before it is parsed."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from tests.conftest import ROOT

PACKAGE = ROOT / "local_emulator"
OPERATIONS = ("CreateTrainingJob", "UpdateTrainingJob", "CreateHyperParameterTuningJob")
READERS = {"get", "pop", "setdefault"}

# Operations that are given a request, and how often they read a member of it: the job's name.
ALLOWED = {"api/training_jobs.py": 2, "api/tuning_jobs.py": 2}
RULES = {"api/limits.py"}  # judges requests before they are parsed
# What has members of the same names: CloudFormation's templates, files in /opt/ml/input/config.
FOREIGN = {"cloud", "algorithms"}


def _below(shape: Shape, known: set[str]) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield name
            if member.name not in known:
                known.add(member.name)
                yield from _below(member, known)
    elif isinstance(shape, ListShape):
        yield from _below(shape.member, known)
    elif isinstance(shape, MapShape):
        yield from _below(shape.value, known)


@cache
def members() -> frozenset[str]:
    """The names of all members of the requests of which jobs are made."""
    service = ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")
    shapes = [service.operation_model(name).input_shape for name in OPERATIONS]
    return frozenset(name for shape in shapes if shape is not None for name in _below(shape, set()))


def _key(node: ast.AST) -> object:
    """The constant that an expression looks up in a mapping; None if it does no such thing."""
    match node:
        case ast.Subscript(slice=ast.Constant(value=key), ctx=ast.Load()):
            return key
        case ast.Call(func=ast.Attribute(attr=attr), args=[ast.Constant(value=key), *_]) if attr in READERS:
            return key
        case ast.Compare(left=ast.Constant(value=key), ops=[ast.In() | ast.NotIn()]):
            return key
    return None


def reads(source: str) -> int:
    """How many expressions look a member of a request up."""
    return sum(_key(node) in members() for node in ast.walk(ast.parse(source)))


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
