from local_emulator.documents import pipeline_requests
from local_emulator.domain.names import Arn

ARN = Arn("arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/x")


def test_a_job_is_tagged_with_its_execution() -> None:
    request = pipeline_requests.of_job({"RoleArn": "r", "Tags": [{"Key": "a", "Value": "b"}]}, "TrainingJobName", "n", ARN)
    tag = {"Key": "sagemaker:pipeline-execution-arn", "Value": ARN}
    assert request == {"RoleArn": "r", "TrainingJobName": "n", "Tags": [{"Key": "a", "Value": "b"}, tag]}


def test_a_model_package_has_a_token_that_follows_from_step_and_attempt() -> None:
    first = pipeline_requests.of_package({"ModelPackageGroupName": "g"}, "Register", 1, ARN)
    assert first == pipeline_requests.of_package({"ModelPackageGroupName": "g"}, "Register", 1, ARN)
    assert first["MetadataProperties"] == {"GeneratedBy": ARN}
    assert first["ClientToken"] != pipeline_requests.of_package({"ModelPackageGroupName": "g"}, "Register", 2, ARN)["ClientToken"]


def test_the_best_training_jobs_come_first() -> None:
    config = {"HyperParameterTuningJobObjective": {"Type": "Minimize"}}
    request = pipeline_requests.of_best_jobs({"HyperParameterTuningJobName": "t", "HyperParameterTuningJobConfig": config})
    assert (request["SortBy"], request["SortOrder"]) == ("FinalObjectiveMetricValue", "Ascending")
    request = pipeline_requests.of_best_jobs({"HyperParameterTuningJobName": "t", "HyperParameterTuningJobConfig": {}})
    assert request["SortOrder"] == "Descending"
