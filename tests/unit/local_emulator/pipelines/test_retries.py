from datetime import timedelta
from typing import Any

import pytest

from local_emulator.domain.pipeline import StepException, StepExecution, StepKind, StepStatus
from local_emulator.pipelines import retries
from tests.made_pipelines import BEGIN, execution, record, step


def failed(
    exception: StepException | None, *policies: dict[str, Any], at: float = 0, before: StepExecution | None = None
) -> StepExecution:
    began = execution(step("Train", "Training", RetryPolicies=list(policies)))
    earlier = before or record("Train", StepStatus.EXECUTING)
    return retries.failed(began, began.plan.steps[0], earlier, "ClientError: no", BEGIN + timedelta(seconds=at), exception)


def test_without_an_exception_type_a_step_fails() -> None:
    over = failed(None, {"ExceptionType": ["Step.THROTTLING"]})
    assert (over.status, over.failure_reason, over.ended) == (StepStatus.FAILED, "ClientError: no", BEGIN)


def test_without_a_policy_a_step_fails_in_words_that_were_recorded() -> None:
    over = failed(StepException.RESOURCE_LIMIT)
    assert over.failure_reason == (
        "ClientError: no\nRetry not appropriate on execution of step with PipelineExecutionArn "
        "arn:aws:sagemaker:us-east-1:123456789012:pipeline/abalone/execution/ztefwbnlgoif and StepId Train. "
        "No retry policy configured for the exception type SAGEMAKER_RESOURCE_LIMIT."
    )


@pytest.mark.parametrize("exception", [StepException.THROTTLING, StepException.SERVICE_FAULT])
def test_faults_of_the_service_are_retried_in_any_case(exception: StepException) -> None:
    again = failed(exception)
    assert (again.status, again.retry_at, again.retried) == (StepStatus.STARTING, BEGIN + timedelta(seconds=1), (exception,))


def test_pauses_grow_until_there_were_enough_attempts() -> None:
    policy = {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "IntervalSeconds": 10, "BackoffRate": 3, "MaxAttempts": 3}
    again, pauses = record("Train", StepStatus.EXECUTING), []
    while (again := failed(StepException.CAPACITY_ERROR, policy, before=again)).retry_at is not None:
        pauses.append((again.retry_at - BEGIN).total_seconds())
    assert pauses == [10, 30, 90]
    assert again.status is StepStatus.FAILED


def test_each_policy_counts_its_own_retries() -> None:
    limit = {"ExceptionType": ["SageMaker.RESOURCE_LIMIT"], "IntervalSeconds": 20, "MaxAttempts": 1}
    capacity = {
        "ExceptionType": ["SageMaker.RESOURCE_LIMIT", "SageMaker.CAPACITY_ERROR"],
        "IntervalSeconds": 30,
        "MaxAttempts": 1,
    }
    throttled = failed(StepException.THROTTLING, limit, capacity)
    limited = failed(StepException.RESOURCE_LIMIT, limit, capacity, before=throttled)
    assert limited.retry_at == BEGIN + timedelta(seconds=20)
    again = failed(StepException.CAPACITY_ERROR, limit, capacity, before=limited)
    assert again.retry_at == BEGIN + timedelta(seconds=30)
    assert failed(StepException.CAPACITY_ERROR, limit, capacity, before=again).status is StepStatus.FAILED
    assert failed(StepException.THROTTLING, limit, capacity, before=again).retry_at == BEGIN + timedelta(seconds=2)


def test_a_policy_expires() -> None:
    policy = {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "IntervalSeconds": 40, "BackoffRate": 1, "ExpireAfterMin": 1}
    first = failed(StepException.CAPACITY_ERROR, policy)
    assert first.status is StepStatus.STARTING
    assert failed(StepException.CAPACITY_ERROR, policy, at=10, before=first).status is StepStatus.STARTING
    assert failed(StepException.CAPACITY_ERROR, policy, at=30, before=first).status is StepStatus.FAILED


@pytest.mark.parametrize(
    ("reason", "kind", "exception"),
    [
        ("InternalServerError: We encountered", StepKind.TRAINING, "SageMaker.JOB_INTERNAL_ERROR"),
        ("InternalServerError: We encountered", StepKind.TUNING, None),
        ("CapacityError: Unable", StepKind.PROCESSING, "SageMaker.CAPACITY_ERROR"),
        ("AlgorithmError: no", StepKind.TRAINING, None),
    ],
)
def test_exception_types_of_jobs(reason: str, kind: StepKind, exception: str | None) -> None:
    assert retries.of_job(kind, reason) == exception
