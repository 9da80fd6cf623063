"""Names and ARNs beside botocore's own table of partitions."""

import re

import pytest
from botocore.loaders import Loader

from local_emulator.domain.names import AwsScope, parse_arn, scope_of

PARTITIONS = Loader().load_data("partitions")["partitions"]
REGIONS = [(region, partition) for partition in PARTITIONS for region in partition["regions"] if not region.startswith("aws")]


@pytest.mark.parametrize(("region", "partition"), REGIONS, ids=[region for region, _ in REGIONS])
def test_a_region_has_the_partition_that_botocore_gives_it(region: str, partition: dict[str, str]) -> None:
    assert AwsScope(region=region, account="123456789012").partition == partition["id"]
    assert re.match(partition["regionRegex"], region)


@pytest.mark.parametrize("region", ["us-east-1", "cn-northwest-1", "us-gov-west-1"])
def test_an_arn_comes_back(region: str) -> None:
    scope = AwsScope(region=region, account="123456789012")
    for arn in (scope.tuning_arn("My-Job"), scope.training_arn("My-Job")):
        parsed = parse_arn(arn)
        assert parsed is not None
        assert (parsed.scope, parsed.name, parsed.arn) == (scope, "my-job", arn)
        assert scope_of(arn) == scope
        assert parse_arn(arn.replace("my-job", "MY-JOB")) == parsed
    assert parse_arn(f"arn:aws:sagemaker:{region}:123456789012:model-card/m") is None
