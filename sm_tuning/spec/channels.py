"""Input data of a training job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sm_tuning.spec.request import given
from sm_tuning.spec.s3 import is_uri
from sm_tuning.spec.value_types import paths_as_text


@dataclass(frozen=True)
class FileSystem:
    """A folder of an EFS or FSx for Lustre file system.

    Args:
        id: The file system, as `fs-0123456789abcdef0`.
        path: The folder in it.
        kind: `EFS` or `FSxLustre`.
        access: `ro` to read, `rw` to write too.
    """

    id: str
    path: str
    kind: str = "EFS"
    access: str = "ro"

    def request(self) -> Mapping[str, Any]:
        """The source in AWS's form."""
        return {
            "FileSystemId": self.id,
            "FileSystemAccessMode": self.access,
            "FileSystemType": self.kind,
            "DirectoryPath": self.path,
        }


@dataclass(frozen=True)
class Dataset:
    """A dataset of a SageMaker hub.

    Args:
        arn: Its ARN.
    """

    arn: str

    def request(self) -> Mapping[str, Any]:
        """The source in AWS's form."""
        return {"DatasetArn": self.arn}


@dataclass(frozen=True)
class Channel:
    """Input data: an `s3://` prefix, a local file or folder that is uploaded at launch, a file system or a hub's dataset.

    Args:
        name: The channel; the script finds its data in `/opt/ml/input/data/<name>` and `SM_CHANNEL_<NAME>`.
        source: Where the data lie.
        content_type: MIME type, for built-in algorithms.
        input_mode: `File`, `FastFile` or `Pipe`; None for the definition's.
        distribution: `FullyReplicated` or `ShardedByS3Key`.
        data_type: `S3Prefix`, `ManifestFile`, `AugmentedManifestFile` or `Converse`.
        compression: `Gzip`, or None.
        record_wrapper: `RecordIO`, or None.
        shuffle_seed: Seed with which the order of the data is shuffled in every epoch; None for no shuffling.
        attributes: Names of the attributes to read of an augmented manifest.
        groups: Names of the instance groups that get the channel; all if empty.
        accept_eula: Whether a licence that the data ask for is accepted; None if they ask for none.
        hub_content: ARN of the hub content that the data belong to.
    """

    name: str
    source: str | FileSystem | Dataset
    content_type: str | None = None
    input_mode: str | None = None
    distribution: str = "FullyReplicated"
    data_type: str = "S3Prefix"
    compression: str | None = None
    record_wrapper: str | None = None
    shuffle_seed: int | None = None
    attributes: Sequence[str] = ()
    groups: Sequence[str] = ()
    accept_eula: bool | None = None
    hub_content: str | None = None

    def __post_init__(self) -> None:
        paths_as_text(self, "source")

    @property
    def path(self) -> Path | None:
        """Where the data lie on this machine; None if they lie elsewhere."""
        return Path(self.source) if isinstance(self.source, str) and not is_uri(self.source) else None

    def uri(self, prefix: str) -> str:
        """Where the data lie in S3 (empty if elsewhere); local data are uploaded below the prefix."""
        if self.path is not None:
            return f"{prefix}/input/{self.name}"
        return self.source if isinstance(self.source, str) else ""

    def request(self, prefix: str) -> Mapping[str, Any]:
        """The channel in AWS's form."""
        shuffle = None if self.shuffle_seed is None else {"Seed": self.shuffle_seed}
        return {"ChannelName": self.name, "DataSource": self._data_source(prefix)} | given(
            ContentType=self.content_type,
            CompressionType=self.compression,
            RecordWrapperType=self.record_wrapper,
            InputMode=self.input_mode,
            ShuffleConfig=shuffle,
        )

    def _data_source(self, prefix: str) -> Mapping[str, Any]:
        if isinstance(self.source, FileSystem):
            return {"FileSystemDataSource": dict(self.source.request())}
        if isinstance(self.source, Dataset):
            return {"DatasetSource": dict(self.source.request())}
        source = {"S3DataType": self.data_type, "S3Uri": self.uri(prefix), "S3DataDistributionType": self.distribution}
        return {
            "S3DataSource": source
            | given(
                AttributeNames=list(self.attributes) or None,
                InstanceGroupNames=list(self.groups) or None,
                ModelAccessConfig=None if self.accept_eula is None else {"AcceptEula": self.accept_eula},
                HubAccessConfig=None if self.hub_content is None else {"HubContentArn": self.hub_content},
            )
        }
