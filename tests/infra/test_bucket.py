"""A bucket that is closed to plain HTTP stays usable on the emulator, which has no other; its policy is told as it was given."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Server

TLS = {
    "Sid": "Tls",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def test_a_policy_that_asks_for_tls(served: Server) -> None:
    s3 = served.client("s3")
    s3.create_bucket(Bucket="closed")
    policy = {"Version": "2012-10-17", "Statement": [{**TLS, "Resource": ["arn:aws:s3:::closed", "arn:aws:s3:::closed/*"]}]}
    s3.put_bucket_policy(Bucket="closed", Policy=json.dumps(policy))
    s3.put_object(Bucket="closed", Key="a", Body=b"a")
    assert s3.get_object(Bucket="closed", Key="a")["Body"].read() == b"a"
    assert json.loads(s3.get_bucket_policy(Bucket="closed")["Policy"]) == policy


def test_other_denials_hold(served: Server) -> None:
    s3 = served.client("s3")
    s3.create_bucket(Bucket="shut")
    denial = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::shut/*"}
    s3.put_bucket_policy(Bucket="shut", Policy=json.dumps({"Version": "2012-10-17", "Statement": [denial]}))
    with pytest.raises(ClientError, match="Forbidden"):
        s3.put_object(Bucket="shut", Key="a", Body=b"a")
