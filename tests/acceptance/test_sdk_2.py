"""Programs with version 2 of the SageMaker Python SDK, as its users write them."""

from collections.abc import Iterator

import pytest

from tests.acceptance.sdk import EXAMPLES, PROGRAMS, Ran, judged, printed, run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def version_2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    programs = [EXAMPLES / "sagemaker_sdk_v2.py", EXAMPLES / "sagemaker_sdk_v2_builtin.py", PROGRAMS / "sdk2_more.py"]
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


def test_version_2_beyond_one_tuning_job(version_2: Ran) -> None:
    output = version_2.output("sdk2_more")
    assert "score=0.96\n" in output  # the log was streamed
    assert "arguments: --at 0.75" in output
    assert printed(output, "torch").endswith("/output/model.tar.gz")
    assert [printed(output, word) for word in ("boost", "shell", "endless")] == ["Completed", "Completed", "Stopped"]
    assert printed(output, "both").startswith("['sklearn', 'torch'] 6 both-")
    assert printed(output, "identical") == "IdenticalDataAndAlgorithm Completed"
    assert printed(output, "transfer") == "TransferLearning Completed"
