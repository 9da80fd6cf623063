"""Keys with characters that have a meaning in addresses and in XML, by an AWS client against the server."""

import unicodedata
import urllib.request

import pytest

from tests.conftest import Server

KEYS = {
    "lines": "a/b\nc",
    "line first": "\na",
    "line last": "a/b\n",
    "lines of Windows": "a/b\r\nc",
    "carriage return": "a\rb",
    "tab": "a\tb",
    "plus": "a+b c",
    "encoded": "a%20b%0A%2F",
    "slashes": "//a//b/",
    "dots": "../a/./../b",
    "query": "a?uploads#b",
    "markup": "<a>&amp;\"'",
    "decomposed": unicodedata.normalize("NFD", "é/ü"),
    "separators": "a\x85\u2028\u2029b",
    "longest": "ü" * 512,
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_key_is_told_as_it_was_given(server: Server, key: str) -> None:
    s3, bucket = server.client("s3"), "keys"
    s3.create_bucket(Bucket=bucket)
    named = {"Bucket": bucket, "Key": key}
    s3.put_object(**named, Body=b"content")
    assert s3.head_object(**named)["ContentLength"] == len(b"content")
    with urllib.request.urlopen(s3.generate_presigned_url("get_object", Params=named)) as answer:
        assert answer.read() == b"content"
    for listing, begin in ((s3.list_objects, "Marker"), (s3.list_objects_v2, "StartAfter")):
        assert [entry["Key"] for entry in listing(Bucket=bucket, Prefix=key)["Contents"]] == [key]
        assert "Contents" not in listing(Bucket=bucket, **{begin: key})
    assert s3.list_objects_v2(Bucket=bucket, StartAfter=key)["StartAfter"] == key
    listed = s3.list_object_versions(Bucket=bucket, Prefix=key)
    assert ([version["Key"] for version in listed["Versions"]], listed["Prefix"]) == ([key], key)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=named)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"content"
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "copy"}, {"Key": key}]})
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    upload = s3.create_multipart_upload(**named)
    part = {"PartNumber": 1, "ETag": s3.upload_part(**named, UploadId=upload["UploadId"], PartNumber=1, Body=b"part")["ETag"]}
    assert (upload["Key"], s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["Key"]) == (key, key)
    s3.complete_multipart_upload(**named, UploadId=upload["UploadId"], MultipartUpload={"Parts": [part]})
    assert s3.get_object(**named)["Body"].read() == b"part"
    s3.delete_object(**named)
    s3.delete_bucket(Bucket=bucket)


def test_pages_go_on_where_the_last_one_ended(server: Server) -> None:
    s3, keys = server.client("s3"), ["a%2B/%", "a%2C", "a%2D"]
    s3.create_bucket(Bucket="pages")
    for key in keys:
        s3.put_object(Bucket="pages", Key=key, Body=b"")
    for operation, member in (("list_objects", "Contents"), ("list_object_versions", "Versions")):
        pages = s3.get_paginator(operation).paginate(Bucket="pages", PaginationConfig={"PageSize": 1})
        assert [entry["Key"] for page in pages for entry in page.get(member, ())] == keys
    (folder,) = s3.list_objects(Bucket="pages", Delimiter="/")["CommonPrefixes"]
    assert folder["Prefix"] == "a%2B/"
