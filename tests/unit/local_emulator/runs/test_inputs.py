"""The channels of a job are listed and fetched once for all of its hosts; every host gets its part."""

from pathlib import Path
from typing import Any

import pytest

from local_emulator.documents import parse
from local_emulator.domain.errors import RunError
from local_emulator.domain.spec import FileSystemDataSource
from local_emulator.domain.training import TrainingJob
from local_emulator.runs.data.channels import ChannelCache
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.inputs import Inputs, unmounted
from local_emulator.runs.mounts import Access, Layer
from local_emulator.runs.run import Pipe
from tests.made_jobs import training
from tests.unit.local_emulator.runs.data.test_channels import Bucket, files

CONTENT = {f"train/{number}": bytes([number]) for number in range(5)}


class CountingBucket(Bucket):
    """Counts the requests for lists."""

    lists = 0

    def list(self, bucket: str, prefix: str) -> "list[Any]":
        self.lists += 1
        return super().list(bucket, prefix)


def job(*, hosts: int, **channel: Any) -> TrainingJob:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://box/train/", "S3DataDistributionType": "ShardedByS3Key"}
    channels = [{"ChannelName": "train", "DataSource": {"S3DataSource": source}, **channel}]
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": hosts, "VolumeSizeInGB": 1}
    return training("job", spec=parse.training({"InputDataConfig": channels, "ResourceConfig": resources}))


def of(made: TrainingJob, tmp_path: Path) -> tuple[Inputs, CountingBucket]:
    bucket = CountingBucket(CONTENT)
    return Inputs(made, ChannelCache(tmp_path / "channels", bucket), RunFolder(tmp_path / "runs" / "a"), {}), bucket


def test_hosts_share_the_objects_with_one_list(tmp_path: Path) -> None:
    made = job(hosts=2)
    inputs, bucket = of(made, tmp_path)
    parts = [files(inputs.layers(host)["input/data/train"].folder) for host in made.spec.resources.hosts]
    assert [sorted(part) for part in parts] == [["0", "2", "4"], ["1", "3"]]
    assert bucket.lists == 1


def test_a_seed_deals_the_objects_out_otherwise(tmp_path: Path) -> None:
    made = job(hosts=2, ShuffleConfig={"Seed": 3})
    inputs, _ = of(made, tmp_path)
    parts = [sorted(files(inputs.layers(host)["input/data/train"].folder)) for host in made.spec.resources.hosts]
    assert parts[0] != ["0", "2", "4"]
    assert sorted(parts[0] + parts[1]) == ["0", "1", "2", "3", "4"]


def test_a_piped_channel_is_fetched_once_and_is_no_folder(tmp_path: Path) -> None:
    made = job(hosts=2, InputMode="Pipe", CompressionType="Gzip", RecordWrapperType="RecordIO", ShuffleConfig={"Seed": 3})
    inputs, bucket = of(made, tmp_path)
    pipes = [pipe for host in made.spec.resources.hosts for pipe in inputs.pipes(host)]
    assert [inputs.layers(host) for host in made.spec.resources.hosts] == [{}, {}]
    staged = Path(pipes[0].folder)
    items = tmp_path / "runs" / "a" / "pipes" / "0.json"
    assert pipes == [
        Pipe(channel="train", items=str(items), folder=str(staged), gzip=True, record_io=True, seed=3, shard=(which, 2))
        for which in (0, 1)
    ]
    assert sorted(files(staged)) == ["0", "1", "2", "3", "4"]
    assert items.read_text() == str([[{"file": str(number)}] for number in range(5)]).replace("'", '"')
    assert (bucket.lists, len(bucket.downloads)) == (1, 5)


@pytest.mark.parametrize(("mode", "access"), [("File", Access.OWN), ("FastFile", Access.READ)])
def test_a_streamed_channel_is_for_reading(tmp_path: Path, mode: str, access: Access) -> None:
    made = job(hosts=1, InputMode=mode)
    inputs, _ = of(made, tmp_path)
    assert [layer.access for layer in inputs.layers(made.spec.resources.hosts[0]).values()] == [access]


@pytest.mark.parametrize(("mode", "access"), [("ro", Access.READ), ("rw", Access.SHARE)])
def test_a_folder_stands_for_a_file_system(tmp_path: Path, mode: str, access: Access) -> None:
    (tmp_path / "shared" / "deep").mkdir(parents=True)
    system = {"FileSystemId": "fs-1", "FileSystemType": "EFS", "DirectoryPath": "/deep/", "FileSystemAccessMode": mode}
    made = job(hosts=2, DataSource={"FileSystemDataSource": system})
    folder, cache = RunFolder(tmp_path / "runs" / "a"), ChannelCache(tmp_path / "channels", Bucket({}))
    inputs = Inputs(made, cache, folder, {"fs-1": tmp_path / "shared"})
    for host in made.spec.resources.hosts:
        assert inputs.layers(host) == {"input/data/train": Layer(tmp_path / "shared" / "deep", access)}
    with pytest.raises(RunError, match="serve --file-system fs-1=DIR"):
        Inputs(made, cache, folder, {}).layers(made.spec.resources.hosts[0])


@pytest.mark.parametrize("path", ["/none", "/deep/../..", "/file"])
def test_what_is_no_folder_of_a_file_system_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    source = FileSystemDataSource(file_system_id="fs-1", directory_path=path)
    problem = f"The channel 'train' reads {path} of the file system fs-1, which is no folder."
    assert unmounted("train", source, {"fs-1": tmp_path}) == problem
