"""What processing jobs upload while their programs run, and at their end."""

import threading
from concurrent.futures import wait
from pathlib import Path
from typing import Any

from local_emulator.domain.jobs import Status
from local_emulator.engine.faults import FaultLog
from local_emulator.engine.processing_jobs import ProcessingJobs
from local_emulator.engine.starter import RunStarter
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Cause, Exit
from local_emulator.store.sqlite import SqliteStore
from tests.made_jobs import NOW, processing

OUTPUT = {
    "OutputName": "out",
    "S3Output": {"S3Uri": "s3://bucket/out", "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "Continuous"},
}


class SlowAtFirst:
    """S3 whose first upload takes as long as a test wants."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.begun, self.go_on = threading.Event(), threading.Event()

    def upload(self, bucket: str, key: str, source: Path) -> None:
        content = source.read_bytes()
        if not self.begun.is_set():
            self.begun.set()
            assert self.go_on.wait(60)
        self.objects[f"s3://{bucket}/{key}"] = content


def test_an_upload_that_goes_on_when_the_program_ends_does_not_undo_the_last(tmp_path: Path) -> None:
    job = processing("a", members={"ProcessingOutputConfig": {"Outputs": [OUTPUT]}})
    anything: Any = None
    objects: Any = SlowAtFirst()
    store = SqliteStore(None)
    starter = RunStarter(executor=anything, runs=tmp_path / "runs", threads=2, notify=lambda: None)
    jobs = ProcessingJobs(
        table=store.processings,
        now=lambda: NOW,
        preparation=anything,
        objects=objects,
        starter=starter,
        log=FaultLog(print),
    )
    folder = RunFolder(tmp_path / "runs" / job.run)
    file = folder.ml / "processing" / "out" / "file"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"part")
    jobs.follow(job)
    assert objects.begun.wait(60)
    file.write_bytes(b"the whole")
    ending = starter.slow(jobs.collect, job, folder, Exit(cause=Cause.EXIT, code=0, time=NOW))
    wait([ending], timeout=0.2)
    objects.go_on.set()
    assert ending.result(60).status is Status.COMPLETED
    starter.close()
    store.close()
    assert objects.objects == {"s3://bucket/out/file": b"the whole"}
