"""What is known of instances' memory."""

import pytest

from sm_tuning.preflight.instances import memory, smallest

GIB = 2**30


@pytest.mark.parametrize(
    ("instance", "gib"),
    [
        ("ml.m5.large", 8),
        ("ml.m5.24xlarge", 384),
        ("ml.c5.9xlarge", 72),
        ("ml.c4.8xlarge", 60),
        ("ml.t3.medium", 4),
        ("ml.g5.48xlarge", 768),
        ("ml.p4d.24xlarge", 1152),
        ("ml.p3dn.24xlarge", 768),
        ("ml.r5.2xlarge", 64),
    ],
)
def test_memory_of_instance_types(instance: str, gib: float) -> None:
    assert memory(instance) == gib * GIB


@pytest.mark.parametrize("instance", ["ml.p3.2xlarge", "local", "ml.m5.huge", ""])
def test_what_is_not_known_is_none(instance: str) -> None:
    assert memory(instance) is None


def test_the_smallest_that_has_more() -> None:
    assert smallest(GIB) == "ml.m5.large"
    assert smallest(8 * GIB) == "ml.m5.xlarge"
    assert smallest(1000 * GIB) is None
