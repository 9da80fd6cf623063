"""What commands show of tuning jobs and training jobs."""

from types import SimpleNamespace
from typing import Any

import pytest

from sm_tuning import NotFound
from sm_tuning.cli import follow
from sm_tuning.client.status import Training


@pytest.mark.parametrize("as_json", [True, False])
def test_a_training_job_that_its_tuning_job_does_not_list_is_told(*, as_json: bool) -> None:
    run: Any = SimpleNamespace(name="t", trainings=lambda: [Training(name="t-001", status="Completed", hyperparameters={})])
    with pytest.raises(NotFound, match="t does not list the training job t-002"):
        follow._show_training(run, "t-002", as_json=as_json)
