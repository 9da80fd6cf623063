"""Logs and metrics of endpoints in CloudWatch."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from local_emulator.domain.endpoint import EndpointStatus, Instance, RetiredRun
from local_emulator.domain.names import AwsScope
from local_emulator.engine.endpoint_cloudwatch import EndpointCloudWatch
from local_emulator.engine.faults import FaultLog
from local_emulator.runs.data.kept_logs import KeptLogs
from local_emulator.runs.data.log import LogWriter
from local_emulator.runs.folder import RunFolder
from local_emulator.store.sqlite import SqliteStore
from tests.made_endpoints import deployment, endpoint, variant
from tests.made_jobs import NOW


class Cloud:
    """CloudWatch; `broken` raises."""

    def __init__(self) -> None:
        self.logs: list[tuple[str, str, str]] = []
        self.metrics: list[tuple[str, str, float, str]] = []
        self.broken = False

    def publish_logs(self, _scope: AwsScope, stream: str, events: Sequence[tuple[int, str]], *, group: str) -> None:
        if self.broken:
            raise ValueError
        self.logs += [(group, stream, text) for _, text in events]

    def put_metrics(
        self, _scope: AwsScope, namespace: str, dimensions: Mapping[str, str], points: Sequence[tuple[str, float, str, datetime]]
    ) -> None:
        if self.broken:
            raise ValueError
        where = f"{namespace} {dimensions['EndpointName']} {dimensions['VariantName']}"
        self.metrics += [(where, name, value, unit) for name, value, unit, _ in points]


def made(tmp_path: Path) -> tuple[EndpointCloudWatch, Cloud, SqliteStore, list[str]]:
    store, cloud, faults = SqliteStore(None), Cloud(), list[str]()
    kept, log = KeptLogs(tmp_path / "kept"), FaultLog(faults.append)
    watch = EndpointCloudWatch(store=store, cloud=cloud, runs=tmp_path / "runs", kept=kept, now=lambda: NOW, log=log)
    return watch, cloud, store, faults


def write(tmp_path: Path, run: str, text: str) -> None:
    folder = RunFolder(tmp_path / "runs" / run)
    folder.make()
    log = LogWriter(folder, 1000)
    log.write(f"{text}\n".encode(), 1)
    log.close()


def test_logs_are_published_once_also_of_runs_that_are_over(tmp_path: Path) -> None:
    watch, cloud, store, _ = made(tmp_path)
    run, past = "0123456789abcdef0123", RetiredRun(run="fedcba9876543210fedc", variant="old")
    serving = deployment(variant("v", Instance(run=run)))
    store.endpoints.add(endpoint(status=EndpointStatus.IN_SERVICE, serving=serving, past=(past,)))
    write(tmp_path, run, "first")
    write(tmp_path, past.run, "last words")
    watch.sync("logs")
    write(tmp_path, run, "second")
    watch.sync("logs")
    watch.sync("s3")
    group = "/aws/sagemaker/Endpoints/endpoint"
    assert cloud.logs == [
        (group, "old/i-fedcba9876543210f", "last words"),
        (group, "v/i-0123456789abcdef0", "first"),
        (group, "v/i-0123456789abcdef0", "second"),
    ]
    store.close()


def test_logs_of_a_deleted_endpoint_are_there_for_the_next_emulator_too(tmp_path: Path) -> None:
    watch, cloud, store, _ = made(tmp_path)
    run = RetiredRun(run="0123456789abcdef0123", variant="v")
    write(tmp_path, run.run, "last words")
    (tmp_path / "runs" / run.run / "log.1").write_bytes(b"1 of the next segment\n")
    watch.flush(endpoint(status=EndpointStatus.DELETING, retiring=(run,)), run)
    RunFolder(tmp_path / "runs" / run.run).remove()
    watch.sync("logs")
    stream = ("/aws/sagemaker/Endpoints/endpoint", "v/i-0123456789abcdef0")
    published = [(*stream, "last words"), (*stream, "of the next segment")]
    assert cloud.logs == published, "once"
    store.close()
    watch, cloud, store, _ = made(tmp_path)
    watch.sync("logs")
    watch.sync("logs")
    assert cloud.logs == published
    watch.reset()
    store.close()
    watch, cloud, store, _ = made(tmp_path)
    watch.sync("logs")
    assert cloud.logs == []
    store.close()


def test_kept_logs_that_cannot_be_published_are_reported(tmp_path: Path) -> None:
    watch, cloud, store, faults = made(tmp_path)
    kept = tmp_path / "kept"
    for name, facts in (("damaged", "{}"), ("sound", '{"region": "us-east-1", "account": "1", "endpoint": "e", "variant": "v"}')):
        (kept / name).mkdir(parents=True)
        (kept / name / "facts.json").write_text(facts)
        (kept / name / "log.0").write_bytes(b"1 words\n")
    watch.sync("logs")
    assert cloud.logs == [("/aws/sagemaker/Endpoints/e", "v/i-sound", "words")]
    assert len(faults) == 1
    assert "damaged" in faults[0]
    store.close()


def test_invocations_are_measured(tmp_path: Path) -> None:
    watch, cloud, store, faults = made(tmp_path)
    served = endpoint(status=EndpointStatus.IN_SERVICE)
    watch.invoked(served, "v", 200, {"primary": 0.25}, 0.5)
    watch.invoked(served, "v", 424, {"primary": 0.25}, 0.25)
    watch.sync("monitoring")
    watch.sync("monitoring")
    where = "AWS/SageMaker endpoint v"
    assert cloud.metrics[:6] == [
        (where, "Invocations", 1.0, "None"),
        (where, "Invocation4XXErrors", 0.0, "None"),
        (where, "Invocation5XXErrors", 0.0, "None"),
        (where, "InvocationModelErrors", 0.0, "None"),
        (where, "ModelLatency", 250_000.0, "Microseconds"),
        (where, "OverheadLatency", 250_000.0, "Microseconds"),
    ]
    assert [value for _, name, value, _ in cloud.metrics if name.endswith("Errors")] == [0, 0, 0, 1, 0, 1]
    cloud.broken = True
    watch.invoked(served, "v", 200, {}, 0.0)
    watch.sync("monitoring")
    assert "publishing metrics: endpoint" in faults[0]
    store.close()
