"""Kills an emulator at any moment while endpoints come, change and go on it, and checks what came of each of them.

For the test and for `benchmarks/soak/endpoints.py`. What was acknowledged, and what programs were begun, is written down outside the
state folder; all is compared at the end.
"""

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local_emulator.runs.process import living
from local_emulator.store.sqlite import SqliteStore
from tests.conftest import ROOT, Server, source_archive

PROGRAM = ROOT / "tests" / "acceptance" / "programs" / "serving.py"
BUCKET, IMAGE = "kills", "mine/factor:1"
FACTORS = (2, 3, 5, 6)  # the last by two containers, one after the other
CONTAINERS = {6: (2, 3)}
MOST = 3  # endpoints at a time
PATIENCE = 180.0  # seconds
_CHANGES = ("create", "update", "resize", "delete", "invoke", "queue")


def arguments(python: str) -> tuple[str, ...]:
    """Options of the server."""
    return "--image", f"{IMAGE}={python} {PROGRAM}", "--stop-grace", "2"


@dataclass
class Outcome:
    """What came of it: `faults` says in words what is not as it must be."""

    seed: int
    kills: int = 0
    endpoints: int = 0
    invocations: int = 0
    faults: list[str] = field(default_factory=list)

    def expect(self, truth: object, fault: str) -> None:
        """Note a fault unless something is true."""
        if not truth:
            self.faults.append(fault)


class EndpointChaos:
    """One emulator that is killed again and again. `promised` are factors by endpoint, None of one that is to go."""

    def __init__(self, server: Server, folder: Path, seed: int) -> None:
        self._server = server
        self._ledger = folder / "ledger"
        self._rng = random.Random(seed)
        self._outcome = Outcome(seed)
        self._promised: dict[str, set[int] | None] = {}
        self._queued: dict[str, set[int]] = {}
        self._number = 0

    def run(self, kills: int) -> Outcome:
        """Make a world, change and kill it, and judge."""
        if self._server.process is None:
            self._server.start()
        self._prepare()
        took = 0.0  # seconds of a start: on a loaded machine something comes up meanwhile, too
        while self._outcome.kills < kills:
            for _ in range(self._rng.randrange(1, 6)):
                self._change(self._rng.choice(_CHANGES))
            time.sleep(self._rng.random() * max(1.5, took))
            self._server.end(signal.SIGKILL)
            self._outcome.kills += 1
            began = time.monotonic()
            self._server.start()
            took = time.monotonic() - began
        self._judge()
        return self._outcome

    def _client(self, service: str) -> Any:
        return self._server.client(service)

    def _prepare(self) -> None:
        s3, sagemaker = self._client("s3"), self._client("sagemaker")
        s3.create_bucket(Bucket=BUCKET)
        for factor in FACTORS:
            s3.put_object(Bucket=BUCKET, Key=f"{factor}.tar.gz", Body=source_archive({"factor": str(factor)}))
            containers: list[dict[str, Any]] = [
                {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{part}.tar.gz"} for part in CONTAINERS.get(factor, (factor,))
            ]
            containers[0]["Environment"] = {"LEDGER": str(self._ledger)}
            sagemaker.create_model(ModelName=f"m{factor}", Containers=containers)
            variant = {"VariantName": "v", "ModelName": f"m{factor}", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
            sagemaker.create_endpoint_config(EndpointConfigName=f"c{factor}", ProductionVariants=[variant])
            output = {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/out"}}
            sagemaker.create_endpoint_config(
                EndpointConfigName=f"a{factor}", ProductionVariants=[variant], AsyncInferenceConfig=output
            )

    def _change(self, kind: str) -> None:
        there = [name for name, factors in self._promised.items() if factors is not None]
        if kind == "create" or not there:
            if len(there) < MOST:
                self._create()
            return
        name, factor = self._rng.choice(there), self._rng.choice(FACTORS)
        config, factors = f"{name[0]}{factor}", self._promised[name] or set()
        sagemaker = self._client("sagemaker")
        if kind == "update" and self._did(lambda: sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)):
            self._promised[name] = {factor}
        elif kind == "resize":
            desired = [{"VariantName": "v", "DesiredInstanceCount": self._rng.randrange(1, 3)}]
            self._did(
                lambda: sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=desired)
            )
        elif kind == "delete" and self._did(lambda: sagemaker.delete_endpoint(EndpointName=name)):
            self._promised[name] = None
        elif kind == "queue" and name.startswith("a"):
            self._queue(name)
        elif kind == "invoke" and name.startswith("c"):
            self._invoke(name, {*factors, *FACTORS})

    def _create(self) -> None:
        self._number += 1
        factor, kind = self._rng.choice(FACTORS), self._rng.choice("ca")
        name = f"{kind}-{self._number}"
        sagemaker = self._client("sagemaker")
        if self._did(lambda: sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{kind}{factor}")):
            self._promised[name] = {factor}
            self._outcome.endpoints += 1

    @staticmethod
    def _did(call: Callable[[], object]) -> bool:
        """Whether the emulator has said yes; it may say no for what is being changed."""
        try:
            call()
        except (ClientError, BotoCoreError):
            return False
        return True

    def _invoke(self, name: str, factors: set[int]) -> bool:
        try:
            answer = self._client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"[7]")
        except (ClientError, BotoCoreError):
            return False
        (product,) = json.loads(answer["Body"].read())
        self._outcome.invocations += 1
        self._outcome.expect(product in {7 * factor for factor in factors}, f"{name} answers {product}, not of {factors}")
        return True

    def _queue(self, name: str) -> None:
        try:
            answer = self._client("sagemaker-runtime").invoke_endpoint_async(EndpointName=name, Body=b"[7]")
        except (ClientError, BotoCoreError):
            return
        self._queued[answer["OutputLocation"].removeprefix(f"s3://{BUCKET}/")] = set(FACTORS)

    # --- at the end -----------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        expect = self._outcome.expect
        shown = self._settled()
        for name, factors in self._promised.items():
            if factors is None:
                expect(name not in shown, f"{name} was deleted and is {shown.get(name)}")
                continue
            expect(shown.get(name) == "InService", f"{name} is {shown.get(name)}")
            if name.startswith("c"):
                expect(self._invoke(name, factors), f"{name} does not answer")
        expect(shown.keys() <= self._promised.keys(), f"{shown.keys() - self._promised.keys()} were never made")
        self._check_queued()
        self._check_processes()
        for name in shown:
            self._client("sagemaker").delete_endpoint(EndpointName=name)
        self._until(lambda: not self._client("sagemaker").list_endpoints()["Endpoints"])
        expect(not living(self._server.state / "runs"), f"{living(self._server.state / 'runs')} have processes left")

    def _settled(self) -> dict[str, str]:
        def listed() -> dict[str, str]:
            rows = self._client("sagemaker").list_endpoints(MaxResults=100)["Endpoints"]
            return {row["EndpointName"]: row["EndpointStatus"] for row in rows}

        self._until(lambda: set(listed().values()) <= {"InService", "Failed"})
        return listed()

    def _check_queued(self) -> None:
        """Whatever was accepted is answered, or failed because its endpoint went."""
        there = {name for name, factors in self._promised.items() if factors is not None}
        gone = len(there) < len(self._promised)
        s3 = self._client("s3")

        def missing() -> set[str]:
            listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="out/").get("Contents", ())
            return self._queued.keys() - {entry["Key"] for entry in listed}

        if not gone:
            self._until(lambda: not missing())
            self._outcome.expect(not missing(), f"{missing()} were accepted and not answered")

    def _check_processes(self) -> None:
        """Each instance has its run, no other run has anything, and no run was begun twice."""
        begun = Counter(self._ledger.read_text().split()) if self._ledger.exists() else Counter[str]()
        twice = {run: times for run, times in begun.items() if times > 1}
        self._outcome.expect(not twice, f"{twice} were begun more than once")
        self._until(lambda: self._serving() == living(self._server.state / "runs"))
        left = living(self._server.state / "runs") ^ self._serving()
        self._outcome.expect(not left, f"{left} run and do not serve, or the other way round")

    def _serving(self) -> set[str]:
        store = SqliteStore(self._server.state / "jobs.sqlite", check=False)
        try:
            made = [store.endpoints.get(arn) for arn in store.endpoints.active()]
        finally:
            store.close()
        return {run.run for endpoint in made if endpoint.serving for run in endpoint.serving.runs}

    @staticmethod
    def _until(so: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not so() and time.monotonic() < deadline:
            time.sleep(0.1)
