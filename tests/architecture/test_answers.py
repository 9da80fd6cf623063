"""Members of AWS's requests and answers are read in `spec` and `client`; what analyses and shows them has the package's own types."""

import pytest

from tests.architecture import members
from tests.conftest import ROOT

OPERATIONS = (
    "DescribeHyperParameterTuningJob",
    "DescribeTrainingJob",
    "ListHyperParameterTuningJobs",
    "ListTrainingJobsForHyperParameterTuningJob",
)
PACKAGES = ("analysis", "report", "dashboard", "cli")


def reads(source: str) -> list[str]:
    """The members of answers about jobs that a module looks up."""
    return members.reads(source, members.members(OPERATIONS, "output_shape"))


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
