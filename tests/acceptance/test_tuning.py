"""Tuning jobs in every form that AWS knows, really run: warm start, several definitions, events, quotas."""

import json
import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_emulator.settings import Quotas
from tests.acceptance.amt import warm
from tests.conftest import until

# --- warm start -------------------------------------------------------------------------------------------------------------

VALLEY = "import sys\nx = float(sys.argv[sys.argv.index('-x') + 1])\nprint(f'score={-(x - 0.321) ** 2}')\n"


def test_warm_start_learns_from_its_parents(amt: Any) -> None:
    config = {"Strategy": "Bayesian", "RandomSeed": 1}
    with amt() as service:
        parent = service.run("parent", VALLEY, jobs=10, config=config)
        identical = warm("IdenticalDataAndAlgorithm", "parent")
        child = service.run("child", VALLEY, jobs=4, parallel=1, config=config, WarmStartConfig=identical)
        assert _best(child) > -1e-4, "within 0.01 of the top after four jobs: a cold start is still at random points then"
        overall = child["OverallBestTrainingJob"]
        values = {job["BestTrainingJob"]["TrainingJobName"]: _best(job) for job in (parent, child)}
        assert overall["TrainingJobName"] == max(values, key=lambda name: values[name])
        assert overall["TuningJobName"] in {"parent", "child"}
        assert "TuningJobName" not in child["BestTrainingJob"]
        assert child["WarmStartConfig"]["WarmStartType"] == "IdenticalDataAndAlgorithm"
        both = warm("TransferLearning", "parent", "child")
        transfer = service.run("other", VALLEY, jobs=4, parallel=1, config=config, WarmStartConfig=both)
        assert "OverallBestTrainingJob" not in transfer
        assert _best(transfer) > -1e-4


def _best(job: dict[str, Any]) -> float:
    value: float = job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    return value


def test_warm_start_refusals(amt: Any) -> None:
    identical = warm("IdenticalDataAndAlgorithm", "parent")
    with amt() as service:
        service.run("parent", jobs=1, static={"width": "1"})
        service.create("running", script="import time; time.sleep(60)", jobs=1)
        same = {"static": {"width": "1"}}
        ranges = {"ContinuousParameterRanges": [{"Name": "y", "MinValue": "0.0", "MaxValue": "1.0"}]}
        integer = {"IntegerParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "9"}]}
        assert service.refusal("child", WarmStartConfig=warm("TransferLearning", "nobody"))[0] == "ResourceNotFound"
        minimize = {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "score"}}
        for changes, text in (
            ({"WarmStartConfig": warm("TransferLearning", "nobody")}, "can't find a tuning job called nobody"),
            ({"WarmStartConfig": warm("TransferLearning", "running")}, "is in status InProgress"),
            ({"WarmStartConfig": warm("TransferLearning", "parent", "parent")}, "more than once"),
            ({"WarmStartConfig": identical}, "The set of tunable plus static HyperParameter names is not the same"),
            ({"WarmStartConfig": identical, "config": {"ParameterRanges": ranges}, **same}, "names is not the same"),
            ({"WarmStartConfig": identical, "config": {"ParameterRanges": integer}, **same}, "Continuous."),
            ({"WarmStartConfig": identical, "config": {"Strategy": "Grid"}, **same}, "it must be Bayesian or Random"),
            (
                {"WarmStartConfig": identical, "config": minimize, **same},
                "same as in the parent tuning job parent: Maximize score",
            ),
            (
                {"WarmStartConfig": identical, "definition": {"Environment": {"A": "b"}}, **same},
                "Only the following fields in TrainingJobDefinition are allowed to change: [algorithmSpecification, inputDataConfig, ",
            ),
        ):
            assert text in service.refusal("child", **json.loads(json.dumps(changes)))[1], changes
        service.client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="running")
        service.ended("running")


# --- several definitions ----------------------------------------------------------------------------------------------------


def test_several_definitions_take_turns(amt: Any) -> None:
    with amt() as service:
        request = service.request("many", jobs=6)
        base = request.pop("TrainingJobDefinition")
        config = request["HyperParameterTuningJobConfig"]
        objective, ranges = config.pop("HyperParameterTuningJobObjective"), config.pop("ParameterRanges")
        other = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["5", "6", "7", "8"]}]}
        request["TrainingJobDefinitions"] = [
            {**base, "DefinitionName": "a", "TuningObjective": objective, "HyperParameterRanges": ranges},
            {**base, "DefinitionName": "b", "TuningObjective": objective, "HyperParameterRanges": other},
        ]
        service.client.create_hyper_parameter_tuning_job(**request)
        job = service.ended("many")
        children = service.children("many")
        assert sorted(child["TrainingJobDefinitionName"] for child in children) == ["a"] * 3 + ["b"] * 3
        assert job["BestTrainingJob"]["TrainingJobDefinitionName"] == "b"
        final = job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]
        assert (final["Type"], final["MetricName"]) == ("Maximize", "score")
        assert job["TrainingJobDefinitions"][1]["HyperParameterRanges"] == other
        assert job["TrainingJobDefinitions"][0]["StaticHyperParameters"]["_tuning_objective_metric"] == "score"


def test_autotune_fills_in_what_it_chooses(amt: Any) -> None:
    auto = {
        "ParameterRanges": {
            "AutoParameters": [
                {"Name": "x", "ValueHint": "0.01"},
                {"Name": "epochs", "ValueHint": '"5"'},
                {"Name": "nesterov", "ValueHint": '"True"'},
                {"Name": "optimizer", "ValueHint": "adam"},
                {"Name": "shift", "ValueHint": "-2"},
                {"Name": "sagemaker_container_log_level", "ValueHint": "20"},
            ]
        },
        "ResourceLimits": {"MaxParallelTrainingJobs": 4},
    }
    with amt() as service:
        job = service.run("auto", config=auto, Autotune={"Mode": "Enabled"})
        config = job["HyperParameterTuningJobConfig"]
        assert config["ParameterRanges"] == {
            "ContinuousParameterRanges": [{"Name": "x", "MinValue": "0.001", "MaxValue": "0.1", "ScalingType": "Logarithmic"}],
            "IntegerParameterRanges": [
                {"Name": "epochs", "MinValue": "1", "MaxValue": "50", "ScalingType": "Logarithmic"},
                {"Name": "shift", "MinValue": "-4", "MaxValue": "-1", "ScalingType": "Linear"},
            ],
            "CategoricalParameterRanges": [{"Name": "nesterov", "Values": ['"True"', '"False"']}],
        }
        fixed = job["TrainingJobDefinition"]["StaticHyperParameters"]
        assert (fixed["optimizer"], fixed["sagemaker_container_log_level"]) == ("adam", "20")
        assert job["Autotune"] == {"Mode": "Enabled"}
        assert 5 <= sum(job["TrainingJobStatusCounters"].values()) <= config["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 20
        limits = {"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 1}
        assert "Autotune is not enabled" in service.refusal("manual", config=auto | {"ResourceLimits": limits})[1]


# --- limits and events ------------------------------------------------------------------------------------------------------


def test_quotas(amt: Any) -> None:
    with amt(quotas=Quotas(tuning_jobs=1, instances={"ml.m5.large": 2})) as service:
        code, message = service.refusal("wide", parallel=11, jobs=20)
        assert code == "ResourceLimitExceeded"
        assert "'Maximum number of parallel training jobs per hyperparameter tuning job' is 10 Training Jobs" in message
        assert "is 750 Training Jobs, with current utilization of 0" in service.refusal("long", jobs=751)[1]
        code, message = service.refusal("instances", parallel=3)
        assert message.startswith(
            "The account-level service limit 'ml.m5.large for training job usage' is 2 Instances, with current utilization of 0 "
            "Instances and a request delta of 3 Instances. Please use AWS Service Quotas"
        )
        service.create("first", script="import time; time.sleep(60)")
        assert "'Number of concurrent hyperparameter tuning jobs' is 1" in service.refusal("second")[1]
        service.client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="first")
        service.ended("first")


def test_events_reach_the_event_bus(amt: Any) -> None:
    with amt() as service:
        events, queues = (boto3.client(name, region_name="us-east-1") for name in ("events", "sqs"))
        url = queues.create_queue(QueueName="told")["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
        events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": arn}])
        job = service.run("told", jobs=1, parallel=1)
        received: list[dict[str, Any]] = []
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and "Completed" not in [
            event["detail"].get("HyperParameterTuningJobStatus") for event in received
        ]:
            answer = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            received += [json.loads(message["Body"]) for message in answer.get("Messages", [])]
        tuning = [
            event["detail"] for event in received if event["detail-type"] == "SageMaker HyperParameter Tuning Job State Change"
        ]
        assert [detail["HyperParameterTuningJobStatus"] for detail in tuning] == ["InProgress", "Completed"]
        assert tuning[0]["CreationTime"] == round(job["CreationTime"].timestamp() * 1000)
        training = [event["detail"] for event in received if event["detail-type"] == "SageMaker Training Job State Change"]
        assert [detail["SecondaryStatus"] for detail in training] == [
            "Starting",
            "Downloading",
            "Training",
            "Uploading",
            "Completed",
        ]
        assert {event["source"] for event in received} == {"aws.sagemaker"}


def test_stop_and_delete(amt: Any) -> None:
    with amt() as service:
        service.create("stopped", script="import time\nprint('score=3', flush=True)\ntime.sleep(60)\n", jobs=5)
        until(lambda: [row for row in service.children("stopped") if row["SecondaryStatus"] == "Training"])
        with pytest.raises(ClientError, match="not in a terminal state"):
            service.client.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="stopped")
        service.client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="stopped")
        at_once = service.client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="stopped")
        assert at_once["HyperParameterTuningJobStatus"] in {"Stopping", "Stopped"}
        assert "HyperParameterTuningEndTime" not in at_once or at_once["HyperParameterTuningJobStatus"] == "Stopped"
        job = service.ended("stopped")
        assert job["TrainingJobStatusCounters"]["Stopped"] >= 1
        with pytest.raises(ClientError, match="already"):
            service.client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="stopped")
        children = [row["TrainingJobName"] for row in service.children("stopped")]
        service.client.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="stopped")
        with pytest.raises(ClientError, match="can't find a tuning job called stopped"):
            service.client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="stopped")
        assert service.client.describe_training_job(TrainingJobName=children[0])["TrainingJobStatus"] == "Stopped"
