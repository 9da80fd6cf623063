"""Network access of training jobs, and the KMS keys that encrypt what they write."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where training jobs may connect to.

    Args:
        subnets: Ids of the subnets of a VPC in which training jobs run; none for SageMaker's own network.
        security_groups: Ids of the security groups that they have there.
        isolated: Whether training jobs have no network at all.
        encrypted: Whether the traffic between the machines of one training job is encrypted.
    """

    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    isolated: bool = False
    encrypted: bool = False


@dataclass(frozen=True, kw_only=True)
class Encryption:
    """KMS keys for what training jobs write.

    Args:
        output_key: Id, ARN or alias of the key for what they write to S3; None for S3's own.
        volume_key: Id, ARN or alias of the key for their volumes; None for SageMaker's own.
    """

    output_key: str | None = None
    volume_key: str | None = None
