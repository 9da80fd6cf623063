"""Quotas, the name and the parents of a tuning job."""

import pytest

from sm_tuning import WarmStart
from tests.integration.sm_tuning.preflight.conftest import Planted
from tests.integration.sm_tuning.preflight.faults import OF_QUOTAS


@pytest.mark.parametrize("name", OF_QUOTAS)
def test_each_fault_alone_is_named_with_what_mends_it(planted: Planted, name: str) -> None:
    OF_QUOTAS[name].expect(planted)


def test_parents_are_not_called_well_while_nobody_has_compared_them(planted: Planted) -> None:
    planted.change(hyperparameters={"learning_rate": 0.1}, warm_start=WarmStart(["older"]))
    planted.answer("sagemaker.DescribeHyperParameterTuningJob", {"HyperParameterTuningJobStatus": "Completed"})
    (finding,) = [finding for finding in planted.findings() if finding.check == "warm-start"]
    assert (finding.state, "not compared" in finding.text) == ("skipped", True)
