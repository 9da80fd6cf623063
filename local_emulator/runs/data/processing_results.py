"""What a processing job's run leaves: its outputs for S3, and its exit message."""

from collections.abc import Mapping
from pathlib import Path

from local_emulator.domain.errors import RunError, is_passing
from local_emulator.domain.objects import NoSuchBucket, Objects, ObjectsUnavailable, parse_s3
from local_emulator.domain.processing import ProcessingJob, ProcessingOutput
from local_emulator.runs.data.artifacts import key, said
from local_emulator.runs.data.output_files import OutputError, merged_files
from local_emulator.runs.folder import RunFolder, read_evidence
from local_emulator.runs.processing import below

_LONGEST_MESSAGE = 1024  # bytes
_TROUBLE = (NoSuchBucket, ObjectsUnavailable, ValueError, OSError, OutputError)

Uploaded = Mapping[str, tuple[int, int]]
"""Files that have been uploaded, by their URIs: size, and time of the last change in nanoseconds."""


def upload(
    job: ProcessingJob, folder: RunFolder, objects: Objects, *, completed: bool, before: Uploaded | None = None
) -> Uploaded:
    """Upload the outputs of a job: with `completed` all, else the continuous ones; but for files uploaded `before` that are unchanged.

    May be repeated. Raises RunError with the FailureReason.
    """
    uploaded: dict[str, tuple[int, int]] = dict(before or {})
    for output in job.spec.outputs:
        if output.local_path is not None and (completed or output.continuous):
            try:
                _upload_output(output, folder, objects, uploaded)
            except _TROUBLE as error:
                if isinstance(error, OSError) and is_passing(error):
                    raise
                raise RunError(
                    f"ClientError: Failed to upload the output {output.name} to {output.s3_uri}. {said(error)}"
                ) from error
    return uploaded


def _upload_output(output: ProcessingOutput, folder: RunFolder, objects: Objects, uploaded: dict[str, tuple[int, int]]) -> None:
    bucket, prefix = parse_s3(output.s3_uri)
    local = below(output.local_path or "")
    for file in merged_files([host.ml / local for host in folder.hosts])[0]:
        if file.link:
            continue  # AWS follows none
        name = key(prefix.rstrip("/"), file.name)
        uri, facts = f"s3://{bucket}/{name}", _facts(file.path)
        if uploaded.get(uri) != facts:
            objects.upload(bucket, name, file.path)
            uploaded[uri] = facts


def _facts(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def exit_message(folder: RunFolder) -> str | None:
    """The first kilobyte of what the programs of all hosts wrote to `/opt/ml/output/message`; None if none did.

    Raises RunError if that is not UTF-8.
    """
    contents = [read_evidence(host.ml / "output" / "message", most=_LONGEST_MESSAGE + 4) for host in folder.hosts]
    if all(content is None for content in contents):
        return None
    try:
        text = "".join(_decoded(content) for content in contents if content is not None)
    except UnicodeDecodeError as error:
        raise RunError("ClientError: The exit message in /opt/ml/output/message is not UTF-8 encoded.") from error
    return text.encode()[:_LONGEST_MESSAGE].decode(errors="ignore")


def _decoded(content: bytes) -> str:
    """A text of which the last letter may be cut in two."""
    for cut in range(4 if len(content) > _LONGEST_MESSAGE else 1):
        try:
            return content[: len(content) - cut].decode()
        except UnicodeDecodeError:
            continue
    return content.decode()
