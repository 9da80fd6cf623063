"""What manifests name: objects, or attributes line by line; what is wrong with them."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from local_emulator.domain.errors import RunError
from local_emulator.domain.objects import NoSuchKey, ObjectInfo
from local_emulator.runs.data.manifests import Manifests

IMAGES = {"images/a.jpg": b"aaa", "images/b.jpg": b"b"}


class Bucket:
    """An object store of one bucket, which counts the requests for lists."""

    def __init__(self, manifest: bytes) -> None:
        self.content = {**IMAGES, "manifest": manifest}
        self.lists = 0

    def list(self, bucket: str, prefix: str) -> Sequence[ObjectInfo]:
        assert bucket == "box"
        self.lists += 1
        return [ObjectInfo(key=key, size=len(body), etag=key) for key, body in self.content.items() if key.startswith(prefix)]

    def download(self, bucket: str, key: str, target: Path) -> None:
        if bucket != "box" or key not in self.content:
            raise NoSuchKey(key)
        target.write_bytes(self.content[key])

    def upload(self, bucket: str, key: str, source: Path) -> None:
        raise AssertionError((bucket, key, source))


def lines(*objects: object) -> bytes:
    return b"\n".join(json.dumps(line).encode() for line in objects)


def test_an_augmented_manifest_has_an_item_for_each_line(tmp_path: Path) -> None:
    boxes = {"annotations": [1, 2]}
    manifest = lines(
        {"source-ref": "s3://box/images/b.jpg", "label": 1, "boxes": boxes, "unread-ref": "s3://box/none"},
        {"source-ref": "s3://box/images/a.jpg", "label": "cat", "boxes": boxes},
        {"source-ref": "s3://box/images/b.jpg", "label": None, "boxes": []},
    )
    bucket = Bucket(b"\n" + manifest + b"\n\n")
    listing = Manifests(tmp_path, bucket).augmented("s3://box/manifest", ["label", "source-ref", "boxes"])
    assert [(file.name, file.key) for file in listing.files] == [("0", "images/b.jpg"), ("1", "images/a.jpg")]
    assert listing.items == [
        ({"text": "1"}, {"file": "0"}, {"text": '{"annotations": [1, 2]}'}),
        ({"text": "cat"}, {"file": "1"}, {"text": '{"annotations": [1, 2]}'}),
        ({"text": "null"}, {"file": "0"}, {"text": "[]"}),
    ]
    assert bucket.lists == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"source-ref": "s3://box/images/a.jpg"}, "Line 2 of the manifest s3://box/manifest has no attribute 'label'."),
        ([1], "Line 2 of the manifest s3://box/manifest must be a JSON object."),
        ({"source-ref": "images/a.jpg", "label": 1}, "has 'images/a.jpg' as source-ref, which must be an S3 URI."),
        ({"source-ref": 7, "label": 1}, "has 7 as source-ref, which must be an S3 URI."),
        ({"source-ref": "s3://box/images/c.jpg", "label": 1}, "names s3://box/images/c.jpg, which does not exist."),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: object, reason: str) -> None:
    bucket = Bucket(lines({"source-ref": "s3://box/images/a.jpg", "label": 1}, line))
    with pytest.raises(RunError, match="ClientError: Data download failed:") as error:
        Manifests(tmp_path, bucket).augmented("s3://box/manifest", ["source-ref", "label"])
    assert reason in str(error.value)


def test_text_is_no_augmented_manifest(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="Line 1 of the manifest s3://box/manifest must be a JSON object"):
        Manifests(tmp_path, Bucket(b"a,b\n")).augmented("s3://box/manifest", ["a"])


def test_a_manifest_keeps_its_order_and_asks_once_for_each_folder(tmp_path: Path) -> None:
    bucket = Bucket(lines([{"prefix": "s3://box/images/"}, "b.jpg", "a.jpg"]))
    assert [file.name for file in Manifests(tmp_path, bucket).plain("s3://box/manifest")] == ["b.jpg", "a.jpg"]
    assert bucket.lists == 1
