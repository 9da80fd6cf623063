"""Clients whose credentials look real."""

from typing import Any

import boto3
import moto.core.models  # noqa: F401 - a session that is made before has no hook of moto's
from botocore.config import Config

_SESSION: Any = boto3.Session()  # one, since it reads the models of services once
_ONCE = Config(retries={"total_max_attempts": 1})


def aws_client(service: str = "sagemaker", **words: Any) -> Any:
    """A client of AWS, which asks once."""
    words = {"region_name": "us-east-1", "aws_access_key_id": "real", "aws_secret_access_key": "real"} | words
    return _SESSION.client(service, config=_ONCE, **words)
