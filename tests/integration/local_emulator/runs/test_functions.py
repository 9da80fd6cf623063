"""Functions in place of training scripts."""

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.integration.local_emulator.jobs import train, trainings_of


def test_a_function_trains(emulator: Any, tune: Any) -> None:
    seen = []

    def function(hyperparameters: Mapping[str, str]) -> Mapping[str, float]:
        seen.append(hyperparameters["x"])
        return {"score": float(hyperparameters["x"]), "unknown": 1.0}

    emulator.trains(function)
    answer = emulator.wait(tune("tuned", jobs=4))
    assert answer["HyperParameterTuningJobStatus"] == "Completed"
    best = answer["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == pytest.approx(max(map(float, seen)))
    assert emulator.metrics(best["TrainingJobName"])["score"] == [pytest.approx(max(map(float, seen)))]
    assert "unknown=1.0" in emulator.logs(best["TrainingJobName"])
    assert emulator.wait(best["TrainingJobName"])["TrainingJobStatus"] == "Completed"


def test_an_exception_is_a_failure_as_a_scripts(emulator: Any) -> None:
    def function(_: Mapping[str, str]) -> None:
        raise ValueError("no data")

    emulator.trains(function)
    answer = emulator.wait(train("failing"))
    assert answer["TrainingJobStatus"] == "Failed"
    assert answer["FailureReason"].startswith(
        'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "ValueError: no data'
    )
    (frame,) = [line for line in emulator.logs("failing") if line.startswith("  File ")]
    assert "test_functions.py" in frame  # the function's own frames, and none of the emulator's


@pytest.mark.parametrize("result", [3, [4], {"loss": "low"}])
def test_what_is_no_metric_is_an_error(emulator: Any, result: Any) -> None:
    emulator.trains(lambda _: result)
    assert "Error: " in emulator.wait(train("wrong"))["FailureReason"]


def test_values_that_are_left_out_are_named_in_the_log(emulator: Any) -> None:
    emulator.trains(lambda _: iter(["n=1 " * 10_001, *["a" * 40 + "!"] * 3]))
    metrics = [{"Name": "n", "Regex": "n=([0-9])"}, {"Name": "slow", "Regex": "^(a|a)*$"}]
    algorithm = {"TrainingImage": "image", "TrainingInputMode": "File", "MetricDefinitions": metrics}
    emulator.wait(train("many", AlgorithmSpecification=algorithm))
    assert len(emulator.metrics("many")["n"]) == 10_000
    assert [line for line in emulator.logs("many") if line.startswith("[sm-tuning: ")] == [
        "[sm-tuning: metric 'n' has more values in one line than are kept; the rest is left out]",
        "[sm-tuning: the regular expression of metric 'slow' is too slow or too large and is not used any more]",
    ]


def test_steps_are_stopped_early_and_always_alike(emulator: Any, tune: Any) -> None:
    def function(hyperparameters: Mapping[str, str]) -> Iterator[Mapping[str, float] | str]:
        for epoch in range(1, 6):
            yield f"epoch {epoch}"
            yield {"score": float(hyperparameters["x"]) * epoch}

    histories = []
    for _ in range(2):
        emulator.reset()
        emulator.trains(function)
        early = {"TrainingJobEarlyStoppingType": "Auto", "RandomSeed": 4}
        limits = {"MaxNumberOfTrainingJobs": 12, "MaxParallelTrainingJobs": 3}
        base = {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": limits,
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0.0", "MaxValue": "1.0"}]},
        }
        emulator.wait(tune("stopped-early", config={**base, **early}))
        names = [job["TrainingJobName"] for job in trainings_of("stopped-early")]
        histories.append([(job["TrainingJobStatus"], job["TunedHyperParameters"]) for job in trainings_of("stopped-early")])
        lengths = {
            job["TrainingJobStatus"]: len(emulator.metrics(name)["score"])
            for name, job in zip(names, trainings_of("stopped-early"), strict=True)
        }
        assert lengths["Completed"] == 5
        assert lengths["Stopped"] < 5
    assert histories[0] == histories[1]


def test_a_step_is_the_last_after_a_stop(emulator: Any) -> None:
    reported, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    def function(_: Mapping[str, str]) -> Iterator[Mapping[str, float]]:
        try:
            while True:
                yield {"loss": 0.5}
                reported.set()
                go_on.wait(60)
        finally:
            closed.set()

    emulator.trains(function)
    train("stopped")
    assert reported.wait(60)
    boto3.client("sagemaker").stop_training_job(TrainingJobName="stopped")
    go_on.set()
    answer = emulator.wait("stopped")
    assert (answer["TrainingJobStatus"], answer["FinalMetricDataList"][0]["Value"]) == ("Stopped", 0.5)
    assert closed.is_set()


def test_the_runtime_is_limited(emulator: Any) -> None:
    def function(_: Mapping[str, str]) -> Iterator[None]:
        while True:
            time.sleep(0.01)
            yield None

    emulator.trains(function)
    answer = emulator.wait(train("long", StoppingCondition={"MaxRuntimeInSeconds": 1}))
    assert answer["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_functions_leave_nothing_open(emulator: Any) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    begun = threading.Event()

    def function(_: Mapping[str, str]) -> Iterator[Mapping[str, float]]:
        while True:
            begun.set()
            yield {"loss": 0.5}

    emulator.trains(lambda _: {"loss": 1.0})
    emulator.wait(train("before"))
    before = descriptors()
    for number in range(3):
        emulator.wait(train(f"ended-{number}"))
    emulator.trains(function)
    train("endless")
    assert begun.wait(60)
    emulator.reset()  # kills it
    assert descriptors() <= before
