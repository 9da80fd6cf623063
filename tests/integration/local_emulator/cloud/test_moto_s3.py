"""moto's S3 on disk: what was overwritten goes, and a write that cannot be saved has not happened."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.moto_server.werkzeug_app import create_backend_app

from local_emulator.cloud.environ import call, put_of_setting
from local_emulator.cloud.moto_backend import MotoBackend
from local_emulator.cloud.persistence import Mirror
from local_emulator.domain.errors import ResourceLimitExceeded
from local_emulator.domain.names import AwsScope
from local_emulator.settings import Settings
from tests.made_jobs import performs_nothing

VERSIONING = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


def blobs(state: Path) -> set[Path]:
    return set((state / "blobs").glob("*/*"))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoBackend]:
    """moto can be brought up once in a process."""
    cloud = MotoBackend(Settings(), tmp_path_factory.mktemp("cloud"), performs_nothing)
    yield cloud
    cloud.close()


def test_moto_lets_go_of_what_was_overwritten(cloud: MotoBackend, tmp_path: Path) -> None:
    mirror = cloud.objects._mirror
    assert mirror is not None
    state = mirror._blobs.parent
    scope = AwsScope(region="us-east-1", account=Settings().account)
    cloud.warm_up()
    cloud._backend("s3", scope).create_bucket("overwritten", "us-east-1")
    source = tmp_path / "source"
    for number in range(20):
        source.write_bytes(b"%d" % number)
        cloud.objects.upload("overwritten", "key", source)
    cloud.objects.download("overwritten", "key", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"19"
    assert len(blobs(state)) <= 2
    cloud._backend("s3", scope).delete_object("overwritten", "key")
    cloud.objects._save_object("overwritten", "key")
    mirror._collect()
    assert blobs(state) == set()


def test_buckets_have_no_rules_of_other_origins_but_their_own_whoever_imported_moto_first(cloud: MotoBackend) -> None:
    cloud.warm_up()
    assert "MOTO_DISABLE_GLOBAL_CORS" not in os.environ  # of the process of somebody's tests
    answer = create_backend_app("s3").test_client().get("/", headers={"Origin": "http://other.test"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def _request(cloud: MotoBackend, method: str, path: str, body: bytes = b"", query: str = "", host: str = "localhost") -> str:
    environ = put_of_setting("", query, {"HTTP_HOST": host}, body, "us-east-1") | {"REQUEST_METHOD": method, "PATH_INFO": path}
    return call(cloud.wsgi, environ)[0][:3]


def test_a_write_that_cannot_be_noted_has_not_been(cloud: MotoBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, bucket = b"kept", "taken-back"
    assert _request(cloud, "PUT", f"/{bucket}") == "200"
    assert _request(cloud, "PUT", f"/{bucket}/old", kept) == "200"

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as disk:
        for name in ("note_object", "note_bucket", "note_setting", "forget_object", "forget_bucket"):
            disk.setattr(Mirror, name, full)
        for method, path, body, query in [
            ("PUT", f"/{bucket}/old", b"other", ""),
            ("PUT", f"/{bucket}/new", b"new", ""),
            ("DELETE", f"/{bucket}/old", b"", ""),
            ("PUT", f"/{bucket}", VERSIONING, "versioning"),
            ("PUT", f"/{bucket}-2", b"", ""),
        ]:
            with pytest.raises(ResourceLimitExceeded, match=r"holds what it held before: .*disk is full"):
                _request(cloud, method, path, body, query)
        with pytest.raises(sqlite3.OperationalError):
            cloud.objects.upload(bucket, "uploaded", Path(__file__))
    assert [(stored.key, stored.size) for stored in cloud.objects.list(bucket, "")] == [("old", len(kept))]
    cloud.objects.download(bucket, "old", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == kept
    asking = put_of_setting(bucket, "versioning", {}, b"", "us-east-1") | {"REQUEST_METHOD": "GET"}
    assert b"Enabled" not in call(cloud.wsgi, asking)[2]
    assert _request(cloud, "HEAD", f"/{bucket}-2") == "404"
    assert _request(cloud, "PUT", f"/{bucket}-2") == "200"
    assert _request(cloud, "PUT", f"/{bucket}/new", b"new") == "200"
    contents = {blob.read_bytes() for blob in blobs(cloud.objects._mirror._blobs.parent)}  # type: ignore[union-attr] # it has one
    assert {kept, b"new"} <= contents
    assert b"other" not in contents


FORM = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
DELETION = "<Delete><Object><Key>key</Key><VersionId>{}</VersionId></Object></Delete>"


def test_what_a_form_sends_and_what_the_deletion_of_a_version_brings_back_are_on_disk(cloud: MotoBackend) -> None:
    mirror, bucket = cloud.objects._mirror, "versioned"
    assert mirror is not None
    assert _request(cloud, "PUT", f"/{bucket}") == "200"
    form = 2 * FORM % (b"key", b"from/form", b"file", b"sent") + b"--x--\r\n"
    environ = put_of_setting("", "", {"CONTENT_TYPE": "multipart/form-data; boundary=x"}, form, "us-east-1")
    assert call(cloud.wsgi, environ | {"REQUEST_METHOD": "POST", "PATH_INFO": f"/{bucket}"})[0].startswith("2")
    assert _request(cloud, "PUT", f"/{bucket}", VERSIONING, "versioning") == "200"
    for body in (b"first", b"second"):
        assert _request(cloud, "PUT", f"/{bucket}/key", body) == "200"
    newest = cloud.objects._bucket(bucket).keys["key"].version_id
    assert _request(cloud, "POST", f"/{bucket}", DELETION.format(newest).encode(), "delete") == "200"
    assert {stored.key: stored.blob.path.read_bytes() for stored in mirror.objects(bucket)} == {
        "from/form": b"sent",
        "key": b"first",
    }
    assert _request(cloud, "DELETE", f"/{bucket}/key") == "204"
    marker = cloud.objects._bucket(bucket).keys["key"].version_id
    assert mirror.contents(bucket).keys() == {"from/form"}
    assert _request(cloud, "POST", f"/{bucket}", DELETION.format(marker).encode(), "delete") == "200"
    assert mirror.contents(bucket).keys() == {"from/form", "key"}


@pytest.mark.parametrize(
    "host", ["emulator.lan:4577", "emulator", "10.0.0.7:4577", "by-host.localhost", "by-host.s3.us-east-1.amazonaws.com"]
)
def test_an_object_is_found_and_on_disk_whatever_the_host_is_called(cloud: MotoBackend, host: str) -> None:
    mirror = cloud.objects._mirror
    assert mirror is not None
    root, bucket = ("", "by-host") if "by-host" in host else ("/by-path", "by-path")
    assert _request(cloud, "PUT", root or "/", host=host) == "200"
    assert _request(cloud, "PUT", f"{root}/a/key", b"content", host=host) == "200"
    assert _request(cloud, "GET", f"{root}/a/key", host=host) == "200"
    assert mirror.contents(bucket).keys() == {"a/key"}
    assert _request(cloud, "DELETE", f"{root}/a/key", host=host) == "204"
    assert _request(cloud, "DELETE", root or "/", host=host) == "204"


def test_a_bucket_of_jumpstart_is_there_when_it_is_asked_for(cloud: MotoBackend, tmp_path: Path) -> None:
    bucket, archive = "jumpstart-cache-prod-eu-west-1", "source-directory-tarballs/lightgbm/{}/regression/v{}/sourcedir.tar.gz"
    mirror = cloud.objects._mirror
    assert mirror is not None
    for _ in range(2):
        assert _request(cloud, "GET", f"/{bucket}/models_manifest.json") == "200"
        assert _request(cloud, "HEAD", f"/{bucket}/{archive.format('inference', '1.2.3')}") == "200"
        assert _request(cloud, "GET", f"/{bucket}/none") == "404"
        (listed,) = cloud.objects.list(bucket, archive.format("transfer_learning", "4.5.6"))
        cloud.objects.download(bucket, listed.key, tmp_path / "source")
        assert (tmp_path / "source").stat().st_size == listed.size > 0
        asking = put_of_setting("", "", {}, b"", "eu-west-1") | {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
        assert bucket.encode() not in call(cloud.wsgi, asking)[2]
        assert list(mirror.objects(bucket)) == []
        assert _request(cloud, "POST", "/moto-api/reset") == "200"
    assert _request(cloud, "PUT", f"/{bucket}/training-datasets/data.csv", b"1,2\n") == "200"
    assert [stored.key for stored in mirror.objects(bucket)] == ["training-datasets/data.csv"]
