import re

import pytest

from local_emulator.domain.pipeline import StepKind
from local_emulator.domain.pipeline_names import execution_id, job_name


@pytest.mark.parametrize(
    ("kind", "step", "pattern"),
    [
        (StepKind.TRAINING, "XGBoostTrainingStep", r"pipelines-ztefwbnlgoif-XGBoostTrainingStep-\w{10}"),
        # As recorded of AWS, but for the case: pipelines-d84ewltjmxhe-abalonecreatemodel-c-dgvk2pwxwn.
        (StepKind.MODEL, "AbaloneCreateModel-CreateModel", r"pipelines-ztefwbnlgoif-AbaloneCreateModel-C-\w{10}"),
        (StepKind.TUNING, "HPTuningStep", r"ztefwbnlgoif-HPTuning-\w{10}"),
    ],
)
def test_names_of_what_steps_make(kind: StepKind, step: str, pattern: str) -> None:
    name = job_name("ztefwbnlgoif", step, kind, 1)
    assert re.fullmatch(pattern, name)
    assert len(name) <= (32 if kind is StepKind.TUNING else 63)
    assert name == job_name("ztefwbnlgoif", step, kind, 1)  # that is how it is found again
    assert len({job_name("ztefwbnlgoif", step, kind, attempt) for attempt in range(1, 9)}) == 8


def test_names_that_a_step_begins_itself() -> None:
    assert re.fullmatch(r"mine-\w{10}", job_name("ztefwbnlgoif", "Train", StepKind.TRAINING, 1, "mine"))
    assert len(job_name("ztefwbnlgoif", "Tune", StepKind.TUNING, 1, "m" * 50)) == 32


def test_ids_of_executions() -> None:
    assert re.fullmatch("[a-z0-9]{12}", execution_id("token"))
    assert execution_id("token") == execution_id("token") != execution_id("other")
