"""Kill the emulator at any moment: after a restart every job goes on, each ran at most once, no metric is lost or doubled."""

import random
import signal
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

KILLS = 100
EPOCHS = 5

SCRIPT = f"""
import os, sys, time
with open(os.environ["LEDGER"], "a") as ledger:
    ledger.write(os.environ["TRAINING_JOB_NAME"] + "\\n")
x = float(sys.argv[sys.argv.index("-x") + 1])
for epoch in range({EPOCHS}):
    time.sleep(0.02)
    print(f"epoch={{epoch}} score={{x * (epoch + 1)}}", flush=True)
with open(os.environ["SM_MODEL_DIR"] + "/model.txt", "w") as model:
    model.write(str(x))
"""


def _wait(sagemaker: Any, names: list[str]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        described = [sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name) for name in names]
        if all(job["HyperParameterTuningJobStatus"] in {"Completed", "Failed", "Stopped"} for job in described):
            return
        time.sleep(0.2)
    pytest.fail(f"not ended: {described}")


def _samples(server: Any, training: str) -> float:
    now = datetime.now(UTC)
    points = server.client("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="score",
        Dimensions=[{"Name": "TrainingJobName", "Value": training}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=5),
        Period=60,
        Statistics=["SampleCount"],
    )["Datapoints"]
    return float(sum(point["SampleCount"] for point in points))


@pytest.mark.slow
def test_killed_at_random_a_hundred_times(server: Any, request_of: Any, tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    rng = random.Random(seed)
    source = server.upload_source("kills", SCRIPT)
    ledger = tmp_path / "ledger"
    acknowledged: list[str] = []
    kills = 0
    while kills < KILLS:
        name = f"job-{len(acknowledged)}"
        body = request_of(name, source, bucket="kills", jobs=6, parallel=2)
        body["TrainingJobDefinition"]["Environment"] = {"LEDGER": str(ledger)}
        # Less than the kills take together: a job that waits for an emulator spends nothing of it.
        body["TrainingJobDefinition"]["StoppingCondition"] = {"MaxRuntimeInSeconds": 30}
        try:
            if len(acknowledged) * 3 <= kills:
                server.client("sagemaker").create_hyper_parameter_tuning_job(**body)
                acknowledged.append(name)
        except ClientError as error:
            # The kill came between the record and the answer: the job is there.
            assert error.response["Error"]["Code"] == "ResourceInUse"  # noqa: PT017 - any other error fails the test
            acknowledged.append(name)
        except BotoCoreError:
            pass
        time.sleep(rng.uniform(0.0, 0.5))
        server.end(signal.SIGKILL)
        kills += 1
        server.start()
    sagemaker = server.client("sagemaker")
    _wait(sagemaker, acknowledged)

    runs = Counter(ledger.read_text().split())
    assert set(runs.values()) == {1}, "a training job ran more than once"
    seen = []
    for name in acknowledged:
        job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        children = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, MaxResults=100)
        reasons = [child.get("FailureReason") for child in children["TrainingJobSummaries"]]
        assert job["HyperParameterTuningJobStatus"] == "Completed", reasons
        assert sum(job["TrainingJobStatusCounters"].values()) == 6
        for child in children["TrainingJobSummaries"]:
            seen.append(child["TrainingJobName"])
            assert child["TrainingJobStatus"] == "Completed", child.get("FailureReason")
            value = child["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
            assert value == pytest.approx(EPOCHS * float(child["TunedHyperParameters"]["x"]), rel=1e-5)
            assert _samples(server, child["TrainingJobName"]) == EPOCHS
    assert sorted(seen) == sorted(runs), "a training job was lost, or one ran that nobody knows"
