"""Network access of training jobs, and the KMS keys that encrypt what they write."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where training jobs may connect to."""

    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    isolated: bool = False
    encrypted: bool = False


@dataclass(frozen=True, kw_only=True)
class Encryption:
    """KMS keys for what training jobs write: to S3, and on their volumes."""

    output_key: str | None = None
    volume_key: str | None = None
