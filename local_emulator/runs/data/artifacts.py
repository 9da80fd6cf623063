"""A run's results: archives for S3, and the reason of a failure."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from local_emulator.domain.errors import RunError, is_passing
from local_emulator.domain.objects import NoSuchBucket, Objects, ObjectsUnavailable, parse_s3
from local_emulator.domain.redaction import without_environment
from local_emulator.domain.spec import CheckpointConfig
from local_emulator.domain.training import TrainingJob
from local_emulator.runs.data.log import read_tail
from local_emulator.runs.data.output_files import OutputError, merged_files, shown
from local_emulator.runs.folder import EvidenceError, RunFolder, read_evidence
from local_emulator.runs.host_folder import HostFolder
from local_emulator.runs.run import Cause, Exit, Mode, Run

_LONGEST_REASON = 1024
_SIGNALS = 128
_CUSTOMER_ERROR = 2  # exit code of AWS's algorithms for what the user has to mend
_ERROR_LINES = 20
_LAUNCHERS = {"torchrun", "mpirun"}
_TAG = re.compile(r"^(\[\d+,\d+\]<std(out|err)>|\[rank\d+\]): ?")  # of mpirun, and of torch
# Python names the first part of a module's name that it does not find: after a dot, what holds it is installed.
_MISSING_PACKAGE = re.compile(r"ModuleNotFoundError: No module named '([^'.]+)'")
_PACKAGES = {"PIL": "pillow", "cv2": "opencv-python", "skimage": "scikit-image", "sklearn": "scikit-learn", "yaml": "PyYAML"}
_LONGEST_KEY = 1024  # bytes
_IN_XML = re.compile("[^\ufffe\uffff]*")
_TROUBLE = (NoSuchBucket, ObjectsUnavailable, ValueError, OSError, OutputError)


def nothing(job: TrainingJob, ended: Exit) -> bool:
    """Whether a run has left nothing to upload."""
    return job.spec.output.compressed and not ended.model and not ended.output and job.spec.checkpoints is None


def upload(job: TrainingJob, folder: RunFolder, ended: Exit, objects: Objects) -> None:
    """Upload model, output and checkpoints to where the request wants them; raises RunError. May be repeated."""
    output = job.spec.output
    try:
        bucket, prefix = parse_s3(output.s3_output_path)
        root = f"{prefix.rstrip('/')}/{job.name}/output".lstrip("/")
        if not output.compressed:
            _upload_folders(objects, bucket, f"{root}/model", [host.ml / "model" for host in folder.hosts])
            _upload_folders(objects, bucket, f"{root}/data", [host.ml / "output" / "data" for host in folder.hosts])
        if ended.model:
            objects.upload(bucket, f"{root}/model.tar.gz", folder.model_archive)
        if ended.output:
            objects.upload(bucket, f"{root}/output.tar.gz", folder.output_archive)
    except _TROUBLE as error:
        raise _failed(error) from error
    upload_checkpoints(job, folder, objects)


def upload_checkpoints(job: TrainingJob, folder: RunFolder, objects: Objects) -> None:
    """Upload a run's checkpoints; raises RunError. May be repeated."""
    config = job.spec.checkpoints
    if config is None:
        return
    try:
        bucket, prefix = parse_s3(config.s3_uri)
        # Each host began with all that S3 had: of the copies of a file only the one that was written since is of use.
        folders = [checkpoints(host.ml, config) for host in folder.hosts]
        _upload_folders(objects, bucket, prefix.rstrip("/"), folders, newest=True)
    except _TROUBLE as error:
        raise _failed(error) from error


def upload_checkpoint(config: CheckpointConfig, folder: RunFolder, path: Path, objects: Objects) -> None:
    """Upload one file of a run's checkpoints; raises RunError."""
    try:
        bucket, prefix = parse_s3(config.s3_uri)
        objects.upload(bucket, key(prefix.rstrip("/"), str(path.relative_to(checkpoints(folder.ml, config)))), path)
    except _TROUBLE as error:
        raise _failed(error) from error


def checkpoints(ml: Path, config: CheckpointConfig) -> Path:
    """Where a training job keeps its checkpoints in its `/opt/ml`."""
    return ml / config.path.removeprefix("/opt/ml").strip("/")


def _failed(error: Exception) -> RunError:
    """The RunError of a job whose files cannot be uploaded; raises the error itself if it may pass."""
    if isinstance(error, OSError) and is_passing(error):
        raise error
    return RunError(f"ClientError: Artifact upload failed:Error 7: {said(error)}")


def said(error: Exception) -> str:
    """Why something cannot be uploaded, in AWS's words.

    `Error 7: AccessDenied (403): Access Denied` is recorded, the same of a bucket that is gone is inferred.
    """
    return "NoSuchBucket (404): The specified bucket does not exist" if isinstance(error, NoSuchBucket) else str(error)


def _upload_folders(objects: Objects, bucket: str, prefix: str, folders: Sequence[Path], *, newest: bool = False) -> None:
    for file in merged_files(folders, newest=newest)[0]:
        if not file.link:
            objects.upload(bucket, key(prefix, file.name), file.path)


def key(prefix: str, name: str) -> str:
    """The key of a file; raises OutputError if its name makes none."""
    joined = f"{prefix}/{name}" if prefix else name
    try:
        size = len(joined.encode())
    except UnicodeEncodeError as error:
        raise OutputError(f"the name of the file {shown(name)} is not UTF-8, as a key of S3 has to be") from error
    if size > _LONGEST_KEY:
        raise OutputError(f"the key of the file {shown(name)} has {size:,} bytes, more than S3's {_LONGEST_KEY:,}")
    if any(letter < " " and letter not in "\t\n\r" for letter in joined) or not _IN_XML.fullmatch(joined):
        raise OutputError(f"the name of the file {shown(name)} has characters that S3's lists cannot show")
    return joined


def failure_reason(folder: RunFolder, ended: Exit, environment: Mapping[str, str]) -> str:
    """FailureReason of a program that failed: what it wrote to `/opt/ml/output/failure`, and its exit code.

    A script that wrote nothing is spoken for by the training toolkit, as in AWS's images, whose own exit code is 1.
    Values of the job's `environment` are left out.
    """
    if ended.cause in {Cause.START, Cause.DISK, Cause.ENGINE, Cause.DATA}:
        return without_environment(ended.message, environment)[:_LONGEST_REASON]
    host = folder.host(ended.host)
    text, code = failure_text(host), ended.code
    try:
        run = folder.load_part(ended.host)
    except EvidenceError:
        return f"AlgorithmError: {without_environment(text, environment)}"[: _LONGEST_REASON - 20] + f", exit code: {code}"
    if not text and run.mode is Mode.SCRIPT:
        text, code = _toolkit_text(host, run, ended.code), 1
    whose = "ClientError" if run.mode is Mode.ALGORITHM and code == _CUSTOMER_ERROR else "AlgorithmError"
    tail = f", exit code: {code}"
    return f"{whose}: {without_environment(text, environment)}"[: _LONGEST_REASON - len(tail)] + tail


def _toolkit_text(folder: HostFolder, run: Run, code: int) -> str:
    """What the training toolkit writes of a script that failed; the number of a signal is negative there."""
    error = _error(folder, first=run.program.argv[0] in _LAUNCHERS)
    exit_code = code if code <= _SIGNALS else _SIGNALS - code
    text = f'ExecuteUserScriptError:\nExitCode {exit_code}\nErrorMessage "{error}"\nCommand "{" ".join(run.program.argv)}"'
    missing = _MISSING_PACKAGE.match(error)
    if missing is None:
        return text
    # What AWS has no need to say: there the image holds the packages.
    package = _PACKAGES.get(missing[1], missing[1])
    return (
        f"{text}\nScripts run with {run.program.argv[0]}; name {package} in the requirements.txt of the source, or start the emulator "
        "with another Python: sm-tuning emulator start -- --python PATH"
    )


def _error(folder: HostFolder, *, first: bool) -> str:
    """The exception that ended a Python script: what follows the last traceback in the log's last part, but for its frames.

    Of several processes the `first` one's, which is the reason of the others'.
    """
    lines = [_TAG.sub("", line.text) for line in read_tail(folder)]
    starts = [index for index, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")]
    if not starts:
        return ""
    after = lines[starts[0 if first else -1] + 1 :]
    begin = next((index for index, line in enumerate(after) if line and not line.startswith(" ")), len(after))
    return "\n".join(after[begin : begin + _ERROR_LINES]).strip()


def failure_text(folder: HostFolder) -> str:
    """What a program wrote to `/opt/ml/output/failure`; empty if nothing, or something else than a file lies there."""
    content = read_evidence(folder.ml / "output" / "failure", most=4 * _LONGEST_REASON) or b""
    return content.decode("utf-8", "replace").replace("\0", "").strip()
