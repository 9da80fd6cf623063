"""What the training toolkit of AWS's images logs around a script's own output.

The toolkit also logs its environment there, as JSON and as variables; that is left out. Metrics are not searched in these lines.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from local_emulator.domain.jobs import Job, Status
from local_emulator.runs.folder import EvidenceError, RunFolder
from local_emulator.runs.run import Mode, Run

Events = Sequence[tuple[int, str]]
"""Log events: milliseconds since the epoch, and text."""

_ALGORITHM_ERROR = "AlgorithmError: "


def invocation(folder: RunFolder, host: str | None, ms: int) -> Events:
    """The lines before a script's output on a host (None: the only one); none for what is no script."""
    run = _script(folder, host)
    if run is None:
        return ()
    command = " ".join(run.program.argv)
    lines = (_record("INFO", "Invoking user script", ms), "", "Invoking script with the following command:", "", command, "", "")
    return [(ms, line) for line in lines]


def report(job: Job, folder: RunFolder, host: str | None, ms: int) -> Events:
    """The lines after the output of a script that has ended by itself."""
    if _script(folder, host) is None:
        return ()
    if job.status is Status.COMPLETED:
        return [(ms, _record("INFO", "Reporting training SUCCESS", ms))]
    reason = job.failure_reason or ""
    if job.status is not Status.FAILED or not reason.startswith(_ALGORITHM_ERROR) or not _failed(folder, host):
        return ()
    said = reason.removeprefix(_ALGORITHM_ERROR).rpartition(", exit code: ")[0]
    lines = (_record("ERROR", "Reporting training FAILURE", ms), *_record("ERROR", said, ms).splitlines())
    return [(ms, line) for line in lines]


def _failed(folder: RunFolder, host: str | None) -> bool:
    """Whether it was this host's program that failed."""
    ended = folder.read_exit()
    return ended is None or ended.host == host


def _script(folder: RunFolder, host: str | None) -> Run | None:
    """What a run does on a host, if it is a script's."""
    try:
        run = folder.load_part(host)
    except EvidenceError:
        return None  # it was never prepared
    return run if run.mode is Mode.SCRIPT else None


def _record(level: str, message: str, ms: int) -> str:
    """As Python's logging writes it in the toolkit's format."""
    time = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{time:%Y-%m-%d %H:%M:%S},{ms % 1000:03d} sagemaker-training-toolkit {level:<8} {message}"
