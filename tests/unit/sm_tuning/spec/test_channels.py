"""Channels in AWS's form."""

from pathlib import Path
from typing import Any

import pytest

from sm_tuning import Channel
from sm_tuning.spec.channels import Dataset, FileSystem

S3 = {"S3DataType": "S3Prefix", "S3Uri": "s3://b/t", "S3DataDistributionType": "FullyReplicated"}


def test_data_of_this_machine_are_uploaded_below_the_prefix(tmp_path: Path) -> None:
    channel = Channel("train", str(tmp_path))
    assert channel.path == tmp_path
    assert channel.uri("s3://b/p") == "s3://b/p/input/train"
    assert channel.request("s3://b/p")["DataSource"]["S3DataSource"]["S3Uri"] == "s3://b/p/input/train"
    assert Channel("train", tmp_path).source == str(tmp_path)  # type: ignore[arg-type] # a path is taken too


@pytest.mark.parametrize(
    ("channel", "source"),
    [
        (Channel("c", "s3://b/t"), {"S3DataSource": S3}),
        (Channel("c", address := "https://s3-eu-west-1.amazonaws.com/b/t"), {"S3DataSource": S3 | {"S3Uri": address}}),
        (Channel("c", "s3://b/t", attributes=["x"], groups=["g"]),
         {"S3DataSource": S3 | {"AttributeNames": ["x"], "InstanceGroupNames": ["g"]}}),
        (Channel("c", "s3://b/t", accept_eula=False, hub_content="arn:h"),
         {"S3DataSource": S3 | {"ModelAccessConfig": {"AcceptEula": False}, "HubAccessConfig": {"HubContentArn": "arn:h"}}}),
        (Channel("c", FileSystem("fs-1", "/data")),
         {"FileSystemDataSource": {"FileSystemId": "fs-1", "FileSystemAccessMode": "ro", "FileSystemType": "EFS",
                                   "DirectoryPath": "/data"}}),
        (Channel("c", Dataset("arn:d")), {"DatasetSource": {"DatasetArn": "arn:d"}}),
    ],
)  # fmt: skip
def test_sources(channel: Channel, source: dict[str, Any]) -> None:
    assert channel.request("s3://b/p") == {"ChannelName": "c", "DataSource": source}
    assert channel.path is None


def test_only_what_was_said_is_sent() -> None:
    said = Channel("c", "s3://b/t", content_type="text/csv", input_mode="Pipe", shuffle_seed=0).request("s3://b/p")
    assert {name: said[name] for name in said if name not in {"ChannelName", "DataSource"}} == {
        "ContentType": "text/csv",
        "InputMode": "Pipe",
        "ShuffleConfig": {"Seed": 0},
    }
