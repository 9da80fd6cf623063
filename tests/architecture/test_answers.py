"""Members of AWS's requests and answers are read in `spec` and `client`; what analyses and shows them has the package's own types."""

import ast
from collections.abc import Iterator
from functools import cache

import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from tests.conftest import ROOT

OPERATIONS = (
    "DescribeHyperParameterTuningJob",
    "DescribeTrainingJob",
    "ListHyperParameterTuningJobs",
    "ListTrainingJobsForHyperParameterTuningJob",
)
READERS = {"get", "pop", "setdefault"}
PACKAGES = ("analysis", "report", "dashboard", "cli")


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
    """The names of all members of the answers about jobs."""
    service = ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")
    shapes = [service.operation_model(name).output_shape for name in OPERATIONS]
    return frozenset(name for shape in shapes if shape is not None for name in _below(shape, set()))


def reads(source: str) -> list[str]:
    """The members that a module looks up in a mapping."""
    keys = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Subscript(slice=ast.Constant(value=str(key)), ctx=ast.Load()):
                keys.append(key)
            case ast.Call(func=ast.Attribute(attr=attr), args=[ast.Constant(value=str(key)), *_]) if attr in READERS:
                keys.append(key)
    return [key for key in keys if key in members()]


def test_reads_are_noticed() -> None:
    assert reads('job["TrainingJobName"]; job.get("RandomSeed", 0); job["name"]; {"Values": 1}') == [
        "TrainingJobName",
        "RandomSeed",
    ]
    assert reads((ROOT / "sm_tuning" / "client" / "description.py").read_text(encoding="utf-8"))


@pytest.mark.parametrize("package", PACKAGES)
def test_what_draws_and_decides_reads_none(package: str) -> None:
    modules = sorted((ROOT / "sm_tuning" / package).rglob("*.py"))
    by_module = {path.name: keys for path in modules if (keys := reads(path.read_text(encoding="utf-8")))}
    assert modules
    assert by_module == {}
