"""Kills an emulator at any moment while tuning jobs of all strategies, pipelines and processing jobs run on it, and checks them all.

For the test and for `benchmarks/soak/kills.py`. What the emulator acknowledged and what the scripts did is written down outside its
state folder; all is compared at the end.
"""

import math
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.conftest import Server, tuning_request
from tests.resilience.pipeline_steps import content
from tests.resilience.pipelines import Executions
from tests.resilience.processing_kills import ProcessingJobs

EPOCHS = 5
JOBS = 6  # training jobs of a tuning job
BUCKET = "kills"
MAX_RUNTIME = 30  # seconds, less than the kills take together: a run that waits for an emulator spends nothing of it
PATIENCE = 120.0  # seconds in which nothing happens at all
DURING_THE_START = 0.2  # of the kills
ENDED = {"Completed", "Failed", "Stopped"}

# Of the channel that the scripts read from FIFOs, sharded over the hosts: as many on each of 1, 2, 3 or 4.
OBJECTS = [f"<{number}>".encode() for number in range(12)]

SOURCE = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train/", "S3DataDistributionType": "ShardedByS3Key"}
CHANNEL = {
    "ChannelName": "train",
    "InputMode": "Pipe",
    "ShuffleConfig": {"Seed": 1},
    "DataSource": {"S3DataSource": SOURCE},
}
SCRIPT = f"""
import json, os, sys, time
def write(line):
    with open(os.environ["LEDGER"], "a") as ledger:
        ledger.write(os.environ["TRAINING_JOB_NAME"] + " " + line + " " + host + "\\n")
host = os.environ["SM_CURRENT_HOST"]
write("begun")
x = float(sys.argv[sys.argv.index("-x") + 1])
share = {len(OBJECTS)} // len(json.loads(os.environ["SM_HOSTS"]))
for epoch in range({EPOCHS}):
    time.sleep(0.02)
    with open(f"/opt/ml/input/data/train_{{epoch}}") as fifo:
        objects = [text for text in fifo.read().split("<") if text]
    if len(set(objects)) != share or not set(objects) <= {{f"{{number}}>" for number in range({len(OBJECTS)})}}:
        sys.exit(f"epoch {{epoch}} brought {{objects}}")
    if host == "algo-1":
        print(f"epoch={{epoch}} score={{x * (epoch + 1)}}", flush=True)
        write("epoch")
with open(os.environ["SM_MODEL_DIR"] + "/" + host, "w") as model:
    model.write(str(x))
"""

VALUES = {"ParameterRanges": {"CategoricalParameterRanges": [{"Name": "x", "Values": [str(1 + value) for value in range(JOBS)]}]}}
HYPERBAND = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": EPOCHS}}
STRATEGIES: dict[str, dict[str, Any]] = {
    "Random": {},
    "Grid": VALUES,
    "Bayesian": {},
    "Hyperband": {"StrategyConfig": HYPERBAND},
}


@dataclass
class Outcome:
    """What came of it: `faults` says in words what is not as it must be."""

    seed: int
    kills: int = 0
    tuning_jobs: int = 0
    executions: int = 0
    training_jobs: int = 0
    objects: int = 0
    faults: list[str] = field(default_factory=list)

    def expect(self, truth: object, fault: str) -> None:
        """Note a fault unless something is true."""
        if not truth:
            self.faults.append(fault)


class Chaos:
    """One emulator that is killed again and again, its clients, and what they were promised."""

    def __init__(self, server: Server, ledger: Path, seed: int, hosts: int) -> None:
        self._server = server
        self._hosts = hosts
        self._ledger = ledger
        self._rng = random.Random(seed)
        self._source = server.upload_source(BUCKET, SCRIPT)
        for number, body in enumerate(OBJECTS):
            server.client("s3").put_object(Bucket=BUCKET, Key=f"train/{number:02}", Body=body)
        self._acknowledged: dict[str, str] = {}  # tuning jobs, and their strategies
        self._executions = Executions(server, self._source, BUCKET, ledger, CHANNEL)
        self._objects: set[str] = set()
        self.outcome = Outcome(seed)
        self._processing = ProcessingJobs(server, BUCKET, ledger.with_name("processed"))

    def kill(self, kills: int, minutes: float) -> None:
        """Ask for tuning jobs and objects, and kill, so many times, or until so much time has passed."""
        deadline, took = time.monotonic() + 60 * minutes, 0.0
        while self.outcome.kills < kills and time.monotonic() < deadline:
            if len(self._acknowledged) * 3 <= self.outcome.kills:
                self._create()
            if self.outcome.executions * 6 <= self.outcome.kills:
                self._executions.start()
                self.outcome.executions += 1
            if self.outcome.kills % 3 == 0:
                self._processing.create()
            self._put()
            time.sleep(self._rng.uniform(0.0, max(0.5, took)))
            self._kill()
            if self._rng.random() < DURING_THE_START and self.outcome.kills < kills:
                self._kill_at_start()
            began = time.monotonic()
            self._server.start()
            took = time.monotonic() - began  # on a loaded machine something happens before the next kill, too

    def _kill(self) -> None:
        self._server.end(signal.SIGKILL)
        self.outcome.kills += 1

    def _kill_at_start(self) -> None:
        self._server.launch()
        process = self._server.process
        assert process is not None
        assert process.stdout is not None
        with process.stdout:  # nobody reads it yet
            time.sleep(self._rng.uniform(0.0, 1.5))
            self._kill()

    def _create(self) -> None:
        strategy = list(STRATEGIES)[len(self._acknowledged) % len(STRATEGIES)]
        name = f"job-{len(self._acknowledged)}"
        jobs = None if strategy == "Grid" else JOBS
        body = tuning_request(name, self._source, bucket=BUCKET, jobs=jobs, config={"Strategy": strategy, **STRATEGIES[strategy]})
        body["TrainingJobDefinition"]["Environment"] = {"LEDGER": str(self._ledger)}
        body["TrainingJobDefinition"]["ResourceConfig"]["InstanceCount"] = len(self._hosts_of(name))
        body["TrainingJobDefinition"]["InputDataConfig"] = [CHANNEL]
        body["TrainingJobDefinition"]["StoppingCondition"] = {"MaxRuntimeInSeconds": MAX_RUNTIME}
        try:
            self._server.client("sagemaker").create_hyper_parameter_tuning_job(**body)
            self._acknowledged[name] = strategy
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ResourceInUse":  # a kill came between the record and the answer: the job is there
                self._acknowledged[name] = strategy
            elif code != "ResourceLimitExceeded":  # killed so often, it has had no time for those before
                raise
        except BotoCoreError:
            pass

    def _hosts_of(self, name: str) -> list[str]:
        """The hosts of a tuning job's training jobs, by the name of either: each strategy has one, then two, and so on."""
        number = int(name.split("-")[1])
        return [f"algo-{host + 1}" for host in range(1 + number // len(STRATEGIES) % self._hosts)]

    def _put(self) -> None:
        key = f"acknowledged/{self.outcome.kills}"
        try:
            self._server.client("s3").put_object(Bucket=BUCKET, Key=key, Body=key.encode())
            self._objects.add(key)
        except BotoCoreError:
            pass

    # --- what came of it ------------------------------------------------------------------------------------------------

    def check(self) -> Outcome:
        """Wait until all tuning jobs have ended, and compare."""
        self._wait()
        of_pipelines = self._executions.check(PATIENCE, self.outcome.expect)
        ledger = [line.split() for line in self._ledger.read_text().splitlines()]
        begun = Counter((name, host) for name, what, host in ledger if what == "begun")
        epochs = Counter(name for name, what, _ in ledger if what == "epoch")
        seen: list[str] = []
        for name, strategy in self._acknowledged.items():
            seen += self._check_tuning_job(name, strategy, epochs)
        outcome = self.outcome
        outcome.tuning_jobs, outcome.training_jobs, outcome.objects = len(self._acknowledged), len(seen), len(self._objects)
        for (training, host), runs in begun.items():
            outcome.expect(runs == 1, f"{training} ran {runs} times on {host}")
        outcome.expect(len(seen) == len(set(seen)), "a training job is listed twice")
        known = {(name, host) for name in seen for host in self._hosts_of(name)} | {(name, "algo-1") for name in of_pipelines}
        for training, host in begun.keys() ^ known:
            fault = "never ran" if (training, host) in known else "ran, but nobody knows it"
            outcome.faults.append(f"{training} {fault} on {host}")
        self._check_objects()
        outcome.faults += self._processing.faults()
        return outcome

    def _wait(self) -> None:
        client, deadline = self._server.client("sagemaker"), time.monotonic() + PATIENCE
        going_on, before = set(self._acknowledged), None
        while left := going_on | self._processing.going_on():
            for name in sorted(going_on):
                job = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
                if job["HyperParameterTuningJobStatus"] in ENDED:
                    going_on.discard(name)
            happened = left, self._ledger.stat().st_size if self._ledger.exists() else 0
            if happened != before:
                before, deadline = happened, time.monotonic() + PATIENCE
            if time.monotonic() > deadline:
                self.outcome.faults += [f"{name} does not end" for name in sorted(left)]
                return
            time.sleep(0.2)

    def _check_tuning_job(self, name: str, strategy: str, epochs: "Counter[str]") -> list[str]:
        """Compare a tuning job with what its scripts wrote down; the names of its training jobs."""
        client = self._server.client("sagemaker")
        job = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        children = client.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, MaxResults=100)
        status = job["HyperParameterTuningJobStatus"]
        self.outcome.expect(status == "Completed", f"{name} ({strategy}) is {status}: {job.get('FailureReason')}")
        counted = sum(job["TrainingJobStatusCounters"].values())
        self.outcome.expect(counted == JOBS, f"{name} ({strategy}) counts {counted} training jobs, not {JOBS}")
        for child in children["TrainingJobSummaries"]:
            self._check_training_job(child, strategy, epochs[child["TrainingJobName"]])
        return [child["TrainingJobName"] for child in children["TrainingJobSummaries"]]

    def _check_training_job(self, child: dict[str, Any], strategy: str, epochs: int) -> None:
        name, status = child["TrainingJobName"], child["TrainingJobStatus"]
        if status == "Stopped" and strategy == "Hyperband":
            # It was killed after any of its lines, and before or after it wrote that down.
            samples = self._samples(name)
            self.outcome.expect(samples in {epochs, epochs + 1}, f"{name}: {samples} values of {epochs} epochs")
            return
        if status != "Completed":
            self.outcome.faults.append(f"{name} ({strategy}) is {status}: {self._story(name)}")
            return
        value, x = child["FinalHyperParameterTuningJobObjectiveMetric"]["Value"], float(child["TunedHyperParameters"]["x"])
        self.outcome.expect(abs(value - EPOCHS * x) <= 1e-5 * EPOCHS * x, f"{name}: {value}, not {EPOCHS} * {x}")
        samples = self._samples(name)
        self.outcome.expect(samples == EPOCHS, f"{name}: {samples} values of {EPOCHS} epochs")

    def _story(self, training: str) -> str:
        job = self._server.client("sagemaker").describe_training_job(TrainingJobName=training)
        moves = [
            f"{move['StartTime']:%H:%M:%S} {move['Status']} {move['StatusMessage']}" for move in job["SecondaryStatusTransitions"]
        ]
        return f"{job.get('FailureReason')}; " + "; ".join(moves)

    def _samples(self, training: str) -> int:
        now = datetime.now(UTC)
        points = self._server.client("cloudwatch").get_metric_statistics(
            Namespace="/aws/sagemaker/TrainingJobs",
            MetricName="score",
            Dimensions=[{"Name": "TrainingJobName", "Value": training}],
            StartTime=now - timedelta(days=1),
            EndTime=now + timedelta(minutes=5),
            Period=300,
            Statistics=["SampleCount"],
        )["Datapoints"]
        return int(sum(point["SampleCount"] for point in points))

    def _check_objects(self) -> None:
        s3 = self._server.client("s3")
        for key in sorted(self._objects):
            body = content(s3, BUCKET, key)
            self.outcome.expect(body == key.encode(), f"s3://{BUCKET}/{key}: {body!r}")


def kill_at_random(server: Server, folder: Path, kills: int, seed: int, *, minutes: float = math.inf, hosts: int = 1) -> Outcome:
    """Kill a running emulator so many times (or for so long), wait for all that was begun, compare.

    `folder` is outside its state; training jobs have up to so many `hosts`.
    """
    chaos = Chaos(server, folder / "ledger", seed, hosts)
    chaos.kill(kills, minutes)
    return chaos.check()
