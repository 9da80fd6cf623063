"""A transform job's request, parsed and shown."""

from local_emulator.documents import transform as documents
from tests.made_jobs import transform


def test_a_request_has_aws_defaults() -> None:
    job = transform("job")
    assert (job.spec.split, job.spec.assemble, job.spec.timeout, job.spec.retries) == ("None", "None", 600.0, 3)
    assert (job.spec.max_payload, job.spec.strategy, job.spec.join) == (None, None, False)
    shown = documents.described(job)
    assert shown["TransformInput"]["CompressionType"] == "None"
    assert shown["TransformJobStatus"] == "InProgress"
    assert "FailureReason" not in shown


def test_members_are_parsed() -> None:
    client = {"InvocationsTimeoutInSeconds": 5, "InvocationsMaxRetries": 0}
    processing = {"JoinSource": "Input", "InputFilter": "$[0]"}
    spec = transform("job", ModelClientConfig=client, DataProcessing=processing, MaxPayloadInMB=0).spec
    assert (spec.timeout, spec.retries, spec.join, spec.input_filter, spec.max_payload) == (5.0, 0, True, "$[0]", 0)


def test_the_jobs_environment_is_added_to_the_models() -> None:
    assert documents.environment(transform("job")) == {"A": "model's"}
    assert documents.environment(transform("job", Environment={"A": "own", "B": "c"})) == {"A": "own", "B": "c"}


def test_only_what_has_ended_has_an_end_in_lists() -> None:
    assert documents.summary(transform("job"))["TransformJobStatus"] == "InProgress"
    assert "TransformEndTime" not in documents.summary(transform("job"))
