"""The worst case of what a tuning job costs, against figures worked out by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sm_tuning import (
    Categorical,
    Completion,
    Definition,
    Grid,
    Instance,
    InstanceGroup,
    Objective,
    Random,
    Resources,
    TuningJob,
    learning_rate,
)
from sm_tuning.cli.commands import sm_tuning
from sm_tuning.preflight.cost import instance_hours, instance_types, money
from tests.unit.sm_tuning.conftest import JOB_FILE

PRICES = {"ml.m5.large": 0.1, "ml.m5.xlarge": 0.2, "ml.p3.2xlarge": 4.0}
HOUR = 3600
OBJECTIVE = Objective.minimize("score", r"score=([-+0-9.eE]+)")


def job(resources: Resources | None = None, **members: Any) -> TuningJob:
    """Ten training jobs of an hour, two at a time."""
    if "definitions" not in members:
        only = {"resources": resources or Resources(), "ranges": [learning_rate()], "objective": OBJECTIVE}
        members = only | members
    usual = {"max_jobs": 10, "max_parallel": 2, "strategy": Random()}
    return TuningJob(name="t", role="r", output="s3://b", **(usual | members))


def parts(*several: Resources) -> Mapping[str, Any]:
    return {"definitions": [Definition(name=f"d{index}", resources=resources) for index, resources in enumerate(several)]}


GRID = [Categorical("a", ["1", "2", "3"]), Categorical("b", ["1", "2"])]
DEAR, CHEAP = Resources(instance_type="ml.p3.2xlarge", max_runtime=HOUR // 2), Resources(max_runtime=4 * HOUR)

CASES: Sequence[tuple[str, TuningJob, float | None, float | None]] = [
    ("ten jobs of an hour", job(), 10, 1.0),
    ("three instances", job(Resources(instance_count=3)), 30, 3.0),
    ("a grid's combinations", job(strategy=Grid(), max_jobs=None, ranges=GRID), 6, 0.6),
    ("the tuning job's own time", job(completion=Completion(max_runtime=HOUR)), 2, 0.2),
    ("a time that is longer than all", job(completion=Completion(max_runtime=100 * HOUR)), 10, 1.0),
    ("retries share the time", job(max_retries=30), 10, 1.0),
    ("spot waits and runs", job(Resources(spot=True, max_wait=3 * HOUR)), 30, 3.0),
    ("spot without a wait: twice", job(Resources(spot=True)), 20, 2.0),
    ("a wait counts for spot alone", job(Resources(max_wait=3 * HOUR)), 10, 1.0),
    ("a warm pool after each job", job(Resources(keep_alive=HOUR // 2)), 15, 1.5),
    ("a warm pool is no training", job(Resources(keep_alive=HOUR // 2), completion=Completion(max_runtime=HOUR)), 7, 0.7),
    ("groups", job(Resources(groups=[InstanceGroup("a", "ml.m5.large", 2), InstanceGroup("b", "ml.p3.2xlarge")])), 30, 42.0),
    ("the dearest alternative", job(Resources(alternatives=[Instance("ml.p3.2xlarge", 1), Instance("ml.m5.xlarge", 2)])), 20, 40.0),
    ("preferences", job(Resources(preferences=[Instance("ml.m5.xlarge"), Instance("ml.m5.large", 4)])), 40, 4.0),
    ("the dearest definition", job(**parts(DEAR, CHEAP)), 40, 20.0),
    # Never exceeded, though not to be reached: no hour is dearer than DEAR's, no training job dearer than DEAR's.
    ("definitions and a time", job(**parts(DEAR, CHEAP), completion=Completion(max_runtime=3 * HOUR)), 6, 20.0),
    ("as many as AWS likes", job(max_jobs=None, autotune=True), None, None),
    ("as many as fit into a time", job(max_jobs=None, autotune=True, completion=Completion(max_runtime=HOUR)), 2, 0.2),
    ("a warm pool after who knows how many",
     job(Resources(keep_alive=60), max_jobs=None, autotune=True, completion=Completion(max_runtime=HOUR)), None, None),
]  # fmt: skip


@pytest.mark.parametrize(("tuning", "hours", "cost"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_worst_case(tuning: TuningJob, hours: float | None, cost: float | None) -> None:
    assert instance_hours(tuning) == (None if hours is None else pytest.approx(hours))
    assert money(tuning, PRICES) == (None if cost is None else pytest.approx(cost))


def test_without_a_price_for_each_type_there_is_no_cost() -> None:
    several = job(Resources(alternatives=[Instance("ml.c5.xlarge")]))
    assert instance_types(several) == ["ml.c5.xlarge", "ml.m5.large"]
    assert money(several, PRICES) is None


# --- AWS's price list -----------------------------------------------------------------------------------------------------


def test_run_refuses_what_nothing_bounds(job_file: str) -> None:
    Path(job_file).write_text(JOB_FILE.replace("max_jobs = 10", "autotune = true"))
    done = CliRunner().invoke(sm_tuning, ["run", job_file, "--max-cost", "5", "--price-per-hour", "1"])
    assert (done.exit_code, "nothing bounds the cost: give max_jobs" in done.stderr) == (2, True)
