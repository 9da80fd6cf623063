"""Programs with version 2 of the SageMaker Python SDK, as its users write them."""

from collections.abc import Iterator

import pytest

from tests.acceptance.sdk import BOOSTING, EXAMPLES, PROGRAMS, Ran, executed, judged, printed, run

pytestmark = pytest.mark.slow(70)


@pytest.fixture(scope="module")
def version_2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    programs = [
        EXAMPLES / "sagemaker_sdk_v2.py",
        EXAMPLES / "sagemaker_sdk_v2_builtin.py",
        *([EXAMPLES / "sagemaker_sdk_v2_boosting.py"] if (BOOSTING / ".ready").exists() else []),
        EXAMPLES / "sagemaker_sdk_v2_deploy.py",
        EXAMPLES / "sagemaker_sdk_v2_pipeline.py",
        EXAMPLES / "sagemaker_sdk_v2_processing.py",
        PROGRAMS / "sdk2_more.py",
    ]
    yield from run(2, "sagemaker,sagemaker.sklearn,sagemaker.pytorch", programs, tmp_path_factory.mktemp("sdk2"))


def test_version_2(version_2: Ran) -> None:
    output = version_2.output("sagemaker_sdk_v2")
    assert "role arn:aws:iam::123456789012:role/SageMakerRole, bucket sagemaker-us-east-1-123456789012" in output
    training = judged(version_2.server, output)
    assert printed(output, "model") == training["ModelArtifacts"]["S3ModelArtifacts"]
    assert training["HyperParameters"]["penalty"] in {'"l1"', '"l2"'}  # version 2 sends JSON, quotes and all


def test_version_2_with_built_in_algorithms(version_2: Ran) -> None:
    """Tuned by metrics that AWS defines, on CSV and RecordIO-protobuf."""
    output = version_2.output("sagemaker_sdk_v2_builtin")
    sagemaker = version_2.server.client("sagemaker")
    for word, metrics in {"xgboost": 30, "linear": 30}.items():
        name, best = printed(output, word).split()
        job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        assert job["TrainingJobStatusCounters"]["Completed"] == 4
        assert job["BestTrainingJob"]["TrainingJobName"] == best
        assert job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] > 0.9
        definitions = job["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"]
        assert len(definitions) > metrics
        assert definitions[-1]["Name"] == "ObjectiveMetric"


@pytest.mark.skipif(
    not (BOOSTING / ".ready").exists(), reason="LightGBM is in an environment of its own: make .venv-boosting/.ready"
)
def test_version_2_with_a_script_of_aws(version_2: Ran) -> None:
    """The SDK finds LightGBM in the bucket of JumpStart, tunes it, and repacks its model with the script that serves."""
    output = version_2.output("sagemaker_sdk_v2_boosting")
    best = version_2.server.client("sagemaker").describe_training_job(TrainingJobName=printed(output, "best"))
    assert best["HyperParameters"]["metric"] == '"auto"'
    (metric,) = [metric for metric in best["FinalMetricDataList"] if metric["MetricName"] == "binary_logloss"]
    assert metric["Value"] < 0.3
    assert float(printed(output, "accuracy")) > 0.9
    buckets = version_2.server.client("s3").list_buckets()["Buckets"]
    assert not [bucket for bucket in buckets if "jumpstart" in bucket["Name"]]  # it is AWS's


def test_version_2_deploys(version_2: Ran) -> None:
    """Endpoints of a tuning job's best model and of a script beside a model, updated and deleted."""
    output = version_2.output("sagemaker_sdk_v2_deploy")
    asked, expected = printed(output, "predicted").split(" of ")
    assert asked == expected
    assert printed(output, "as JSON") == printed(output, "updated") == expected
    version_2.output("sagemaker_sdk_v2_processing")  # whose model has such a name
    assert version_2.server.client("sagemaker").list_models(NameContains="scikit")["Models"] == []


def test_version_2_processes_and_transforms(version_2: Ran) -> None:
    """Scripts alone and with a source folder, one that fails, and a transformer of what was trained."""
    output = version_2.output("sagemaker_sdk_v2_processing")
    assert printed(output, "processed") == "Completed: 1400 rows to train on"
    assert printed(output, "framework") == "Completed"
    assert ": Failed. Reason: AlgorithmError: , exit code: 2." in printed(output, "refused")
    assert printed(output, "transformed") == "397 rows, 0.897 right"


def test_version_2_beyond_one_tuning_job(version_2: Ran) -> None:
    output = version_2.output("sdk2_more")
    assert "score=0.96\n" in output  # the log was streamed
    assert "arguments: --at 0.75" in output
    assert printed(output, "torch").endswith("/output/model.tar.gz")
    assert [printed(output, word) for word in ("boost", "shell", "endless")] == ["Completed", "Completed", "Stopped"]
    assert printed(output, "piped") == str([[b"3", b"one", b"second"]] * 2)
    assert printed(output, "both").startswith("['sklearn', 'torch'] 6 both-")
    assert printed(output, "identical") == "IdenticalDataAndAlgorithm Completed"
    assert printed(output, "transfer") == "TransferLearning Completed"


def test_version_2_with_a_pipeline(version_2: Ran) -> None:
    """Data, tuning, a condition on the best training job, its registration; then one that fails, with cached results."""
    output = version_2.output("sagemaker_sdk_v2_pipeline")
    package = executed(version_2.server, output, "Digits-RegisterModel")
    assert printed(output, "registered") == f"{package} Approved"
    assert printed(output, "failed") == "WaiterError"
    assert printed(output, "reason") == "No model reaches an accuracy of 1.0"
    assert ":pipeline/Digits/execution/" in printed(output, "cached")
    assert (
        len(version_2.server.client("sagemaker").list_pipeline_executions(PipelineName="Digits")["PipelineExecutionSummaries"])
        == 2
    )
