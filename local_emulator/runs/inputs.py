"""The channels of a training job: listed and fetched once for all of its hosts, then dealt out; or folders for file systems."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from local_emulator.domain.errors import RunError
from local_emulator.domain.spec import Channel, FileSystemDataSource, Host
from local_emulator.domain.training import TrainingJob
from local_emulator.runs import opt_ml
from local_emulator.runs.data.channels import ChannelCache, in_epoch
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.mounts import Access, Layer
from local_emulator.runs.run import Pipe

FileSystems = Mapping[str, Path]
"""Folders that stand for file systems, by the ids of these."""


def unmounted(channel: str, source: FileSystemDataSource, file_systems: FileSystems) -> str | None:
    """Why no folder of this machine can stand for that of a file system; None if one can."""
    root = file_systems.get(source.file_system_id)
    if root is None:
        return (
            f"The channel {channel!r} reads the file system {source.file_system_id}, which is not here. Name the folder that stands "
            f"for it: serve --file-system {source.file_system_id}=DIR."
        )
    if ".." in source.directory_path.split("/") or not _folder(root, source).is_dir():
        return f"The channel {channel!r} reads {source.directory_path} of the file system {source.file_system_id}, which is no folder."
    return None


def _folder(root: Path, source: FileSystemDataSource) -> Path:
    return root / source.directory_path.strip("/")


class Inputs:
    """What the hosts of a job get of its channels. Raises RunError if S3 does not have it."""

    def __init__(self, job: TrainingJob, channels: ChannelCache, folder: RunFolder, file_systems: FileSystems) -> None:
        self._job = job
        self._channels = channels
        self._folder = folder
        self._file_systems = file_systems
        self._listing = cache(channels.list)
        self._piped = cache(self._prepare_pipe)

    def layers(self, host: Host) -> Mapping[str, Layer]:
        """The folders of a host's channels, by their paths below `/opt/ml`."""
        return {
            f"input/data/{channel.channel_name}": self._layer(channel, host)
            for channel in opt_ml.channels(self._job, host)
            if not channel.piped
        }

    def pipes(self, host: Host) -> tuple[Pipe, ...]:
        """What feeds a host's channels in Pipe mode."""
        return tuple(
            Pipe(
                channel=channel.channel_name,
                items=str(items),
                folder=str(files),
                gzip=channel.compression_type == "Gzip",
                record_io=channel.record_wrapper_type == "RecordIO",
                seed=channel.shuffle_seed,
                shard=opt_ml.shard(self._job, channel, host),
            )
            for channel in opt_ml.channels(self._job, host)
            if channel.piped
            for items, files in [self._piped(channel)]
        )

    def _layer(self, channel: Channel, host: Host) -> Layer:
        source = channel.source
        if isinstance(source, FileSystemDataSource):
            if problem := unmounted(channel.channel_name, source, self._file_systems):
                raise RunError(f"ClientError: {problem}")
            folder = _folder(self._file_systems[source.file_system_id], source)
            return Layer(folder, Access.SHARE if source.writable else Access.READ)
        files = in_epoch(self._listing(source).files, channel.shuffle_seed, 0, opt_ml.shard(self._job, channel, host))
        return Layer(self._channels.stage(files), Access.READ if channel.input_mode == "FastFile" else Access.OWN)

    def _prepare_pipe(self, channel: Channel) -> tuple[Path, Path]:
        """The file of a channel's items, and the folder of their files."""
        if isinstance(channel.source, FileSystemDataSource):
            raise RunError(f"ClientError: The channel {channel.channel_name!r} reads a file system, which has no Pipe mode.")
        listing = self._listing(channel.source)
        items = self._folder.items(self._job.spec.channels.index(channel))
        items.parent.mkdir(parents=True, exist_ok=True)
        items.write_text(json.dumps(listing.items))
        return items, self._channels.stage(listing.files)
