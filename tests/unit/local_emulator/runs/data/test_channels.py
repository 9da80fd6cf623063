"""Channels are fetched once per content; what has no data or cannot be files is refused in AWS's words."""

import json
import shutil
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import pytest

from local_emulator.domain.errors import RunError
from local_emulator.domain.objects import NoSuchBucket, NoSuchKey, ObjectInfo
from local_emulator.domain.spec import S3DataSource
from local_emulator.runs.data.channels import ChannelCache, copy_channel, in_epoch

CONTENT = {"digits/a": b"1", "digits/deep/b": b"22", "digits/empty/": b"", "digits2/c": b"3", "one": b"4", "text": b"a,b"}


class Bucket:
    """An object store of one bucket, `box`."""

    def __init__(self, content: Mapping[str, bytes]) -> None:
        self.content = dict(content)
        self.downloads: list[str] = []

    def list(self, bucket: str, prefix: str) -> "list[ObjectInfo]":
        if bucket != "box":
            raise NoSuchBucket(bucket)
        return [
            ObjectInfo(key=key, size=len(body), etag=str(hash(body)))
            for key, body in sorted(self.content.items())
            if key.startswith(prefix)
        ]

    def download(self, bucket: str, key: str, target: Path) -> None:
        if bucket != "box" or key not in self.content:
            raise NoSuchKey(key)
        self.downloads.append(key)
        target.write_bytes(self.content[key])

    def upload(self, bucket: str, key: str, source: Path) -> None:
        raise AssertionError((bucket, key, source))


@pytest.fixture
def bucket() -> Bucket:
    return Bucket(CONTENT)


@pytest.fixture
def cache(bucket: Bucket, tmp_path: Path) -> ChannelCache:
    return ChannelCache(tmp_path / "channels", bucket)


def source(uri: str, kind: str = "S3Prefix") -> S3DataSource:
    return S3DataSource(s3_uri=uri, s3_data_type=kind)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://box/digits/", {"a": b"1", "deep/b": b"22"}),
        ("s3://box/digits", {"a": b"1", "deep/b": b"22"}),  # a folder's name rather than the beginning of many
        ("s3://box/digits2", {"c": b"3"}),
        ("s3://box/dig", {"digits/a": b"1", "digits/deep/b": b"22", "digits2/c": b"3"}),
        ("s3://box/one", {"one": b"4"}),
        ("s3://box/digits/a", {"a": b"1"}),
    ],
)
def test_files_have_their_names_below_the_prefix(cache: ChannelCache, uri: str, expected: Mapping[str, bytes]) -> None:
    assert files(cache.fetch(source(uri))) == expected


def test_the_same_content_is_fetched_once_and_changed_content_anew(cache: ChannelCache, bucket: Bucket) -> None:
    first = cache.fetch(source("s3://box/digits"))
    assert cache.fetch(source("s3://box/digits/")) == first
    assert bucket.downloads == ["digits/a", "digits/deep/b"]
    bucket.content["digits/a"] = b"new"
    second = cache.fetch(source("s3://box/digits"))
    assert (files(first)["a"], files(second)["a"]) == (b"1", b"new")


def test_what_somebody_has_changed_is_fetched_again(cache: ChannelCache) -> None:
    folder = cache.fetch(source("s3://box/digits"))
    (folder / "a").write_bytes(b"spoilt by a run")
    assert files(cache.fetch(source("s3://box/digits")))["a"] == b"1"


@pytest.mark.parametrize(
    ("manifest", "text"),
    [
        (b"no json", "must be a JSON list"),
        (b"[]", "must be a JSON list"),
        pytest.param(b"[" * 100_000, "must be a JSON list", id="too deep"),
        (b'[{"prefix": "http://x"}, "a"]', "must be a JSON list"),
        (b'[{"prefix": "s3://box/digits/"}, "none"]', "names s3://box/digits/none, which does not exist"),
        (None, "manifest s3://box/manifest does not exist"),
    ],
)
def test_a_manifest_that_is_none_is_refused(cache: ChannelCache, bucket: Bucket, manifest: bytes | None, text: str) -> None:
    if manifest is not None:
        bucket.content["manifest"] = manifest
    with pytest.raises(RunError, match=f"ClientError: Data download failed:.*{text}"):
        cache.fetch(source("s3://box/manifest", "ManifestFile"))


def test_a_manifest_names_files(cache: ChannelCache, bucket: Bucket) -> None:
    bucket.content["manifest"] = json.dumps([{"prefix": "s3://box/digits/"}, "a", "deep/b"]).encode()
    assert files(cache.fetch(source("s3://box/manifest", "ManifestFile"))) == {"a": b"1", "deep/b": b"22"}


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["x/../y"], r"'\.\./y' cannot be a path below the channel's folder"),
        (["x/a//b"], "cannot be a path"),
        (["x/" + "n" * 256], "cannot be a path"),
        (["x/a", "x/a/b"], "'a' would have to be both a file and a folder"),
    ],
)
def test_keys_that_cannot_be_files_are_refused(cache: ChannelCache, bucket: Bucket, keys: list[str], text: str) -> None:
    bucket.content = dict.fromkeys(keys, b"1")
    with pytest.raises(RunError, match=text):
        cache.fetch(source("s3://box/x/"))


def test_a_channel_without_data_is_named_before_anything_runs(cache: ChannelCache) -> None:
    def missing(uri: str, kind: str = "S3Prefix") -> str | None:
        return cache.missing("train", source(uri, kind), "role", "us-east-1")

    assert missing("s3://box/digits") is None
    for uri, named in (
        ("s3://box/nothing", "box"),
        ("s3://box/digits/empty/", "box"),
        ("s3://other/digits", "other"),
        ("https://s3-us-east-1.amazonaws.com/other/digits", "other"),
        ("no uri", "no uri"),
    ):
        text = missing(uri)
        assert text is not None
        assert text.endswith(f'permissions on bucket "{named}".')
        assert text.startswith(f'No S3 objects found under S3 URL "{uri}" given in input data source.')
    assert "Converse, which is not emulated" in str(missing("s3://box/digits", "Converse"))
    assert "No S3 objects found" in str(missing("s3://box/digits", "AugmentedManifestFile"))
    assert "must be a JSON object" in str(missing("s3://box/text", "AugmentedManifestFile"))
    assert "must be a JSON list" in str(missing("s3://box/one", "ManifestFile"))


def test_a_copy_is_a_runs_own(cache: ChannelCache, tmp_path: Path) -> None:
    staged = cache.fetch(source("s3://box/digits"))
    copy_channel(staged, tmp_path / "own")
    assert files(tmp_path / "own") == files(staged)
    (tmp_path / "own" / "a").write_bytes(b"changed")
    shutil.rmtree(tmp_path / "own" / "deep")
    assert files(staged) == {"a": b"1", "deep/b": b"22"}


def test_every_epoch_has_another_order_and_hosts_share_the_whole() -> None:
    items = [str(number) for number in range(20)]
    epochs = [[in_epoch(items, 7, epoch, (which, 3)) for which in range(3)] for epoch in range(3)]
    assert all(sorted(chain(*parts)) == sorted(items) for parts in epochs)
    assert len({tuple(parts[0]) for parts in epochs}) == 3
    assert in_epoch(items, 7, 1, (0, 3)) == epochs[1][0]
    assert in_epoch(items, 8, 1, (0, 3)) != epochs[1][0]
    assert in_epoch(items, None, 5, (1, 3)) == items[1::3]
