"""Which strategy a plan gets."""

from dataclasses import replace

import pytest

from local_emulator.strategies.registry import make
from tests.unit.local_emulator.documents.conftest import tuning_job


def test_an_unknown_name_is_refused() -> None:
    plan = replace(tuning_job().plan, strategy="Sobol")
    with pytest.raises(ValueError, match="the strategy Sobol is not one of Grid, Random, Bayesian, Hyperband"):
        make(plan, plan.definitions[0], seed=1)
