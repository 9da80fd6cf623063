"""Buckets, data, code, images, keys and networks are there."""

import pytest

from tests.integration.sm_tuning.preflight.conftest import Planted
from tests.integration.sm_tuning.preflight.faults import OF_INPUTS


@pytest.mark.parametrize("name", OF_INPUTS)
def test_each_fault_alone_is_named_with_what_mends_it(planted: Planted, name: str) -> None:
    OF_INPUTS[name].expect(planted)
