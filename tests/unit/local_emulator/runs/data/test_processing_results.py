"""Exit messages, and outputs that are uploaded once."""

from pathlib import Path
from typing import Any

import pytest

from local_emulator.domain.errors import RunError
from local_emulator.runs.data.processing_results import exit_message, upload
from local_emulator.runs.folder import RunFolder
from tests.made_jobs import processing


def leave(folder: RunFolder, content: bytes, host: str | None = None) -> None:
    host_folder = folder.host(host)
    host_folder.make()
    (host_folder.ml / "output").mkdir(parents=True)
    (host_folder.ml / "output" / "message").write_bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ""),
        (b"fine", "fine"),
        (b"x" * 2000, "x" * 1024),
        ("é".encode() * 1000, "é" * 512),
        (b"x" + "é".encode() * 1000, "x" + "é" * 511),
        (b"x" + "\N{GRINNING FACE}".encode() * 1000, "x" + "\N{GRINNING FACE}" * 255),
    ],
)
def test_the_first_kilobyte_is_the_exit_message(tmp_path: Path, content: bytes, message: str) -> None:
    folder = RunFolder(tmp_path / "runs" / "run")
    leave(folder, content)
    assert exit_message(folder) == message


@pytest.mark.parametrize("content", [b"\xff", b"a\xc3", b"x" * 500 + b"\xff" + b"x" * 2000])
def test_a_message_that_is_no_text_fails_the_job(tmp_path: Path, content: bytes) -> None:
    folder = RunFolder(tmp_path / "runs" / "run")
    leave(folder, content)
    with pytest.raises(RunError, match=r"ClientError: The exit message .* is not UTF-8"):
        exit_message(folder)


def test_messages_of_several_hosts_follow_one_another(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "run")
    assert exit_message(folder) is None
    leave(folder, b"one ", "algo-1")
    leave(folder, b"two", "algo-2")
    assert exit_message(folder) == "one two"


class _Objects:
    def __init__(self) -> None:
        self.uploads: list[str] = []

    def upload(self, bucket: str, key: str, source: Path) -> None:
        self.uploads.append(f"{bucket}/{key} {source.read_text()}")


def test_what_is_unchanged_since_the_last_upload_is_not_uploaded_again(tmp_path: Path) -> None:
    outputs = [
        {
            "OutputName": mode,
            "S3Output": {"S3Uri": f"s3://b/{mode}", "LocalPath": f"/opt/ml/processing/{mode}", "S3UploadMode": mode},
        }
        for mode in ("Continuous", "EndOfJob")
    ]
    job = processing("job", members={"ProcessingOutputConfig": {"Outputs": outputs}})
    folder, objects = RunFolder(tmp_path / "runs" / "run"), _Objects()
    target: Any = objects
    for mode in ("Continuous", "EndOfJob"):
        (folder.ml / "processing" / mode / "deep").mkdir(parents=True)
        (folder.ml / "processing" / mode / "deep" / "a").write_text("1")
    first = upload(job, folder, target, completed=False)
    assert objects.uploads == ["b/Continuous/deep/a 1"]
    assert upload(job, folder, target, completed=False, before=first) == first
    (folder.ml / "processing" / "Continuous" / "deep" / "a").write_text("22")
    upload(job, folder, target, completed=True, before=first)
    assert objects.uploads[1:] == ["b/Continuous/deep/a 22", "b/EndOfJob/deep/a 1"]
