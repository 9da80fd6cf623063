"""What CreateTransformJob may not say; each case breaks one rule and no other."""

from typing import Any

import pytest

from local_emulator.api.transform_rules import violations


def request(source: Any = None, given: Any = None, taken: Any = None, **members: Any) -> Any:
    data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/c", **(source or {})}}
    return {"TransformInput": {"DataSource": data, **(given or {})}, "TransformOutput": taken or {}, **members}


CSV, JSON = {"ContentType": "text/csv; charset=utf-8"}, {"Accept": "application/json"}
JOIN = {"DataProcessing": {"JoinSource": "Input"}}


@pytest.mark.parametrize(
    "sound",
    [
        request(),
        request(MaxConcurrentTransforms=100, MaxPayloadInMB=1),
        request(MaxPayloadInMB=0),
        request(given=CSV, DataProcessing={"InputFilter": "$[1:]", "OutputFilter": "$['SageMakerOutput']"}),
        request(given=CSV, **JOIN),
        request(DataProcessing={"InputFilter": "$", "JoinSource": "None"}),
    ],
)
def test_what_aws_takes(sound: Any) -> None:
    assert list(violations(sound)) == []


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (
            request(MaxConcurrentTransforms=10, MaxPayloadInMB=11),
            "The value of MaxConcurrentTransforms * MaxPayloadInMB must not exceed 100 MB; it is 10 * 11.",
        ),
        (
            request(source={"S3DataType": "AugmentedManifestFile"}),
            "The S3DataType AugmentedManifestFile is not emulated for transform jobs; it must be one of S3Prefix, ManifestFile.",
        ),
        (request(given={"SplitType": "TFRecord"}), "The SplitType TFRecord is not emulated; None, Line and RecordIO are."),
        (
            request(DataCaptureConfig={"DestinationS3Uri": "s3://b/c"}),
            "A DataCaptureConfig is not emulated: nothing here would capture data. Leave it out.",
        ),
        (
            request(given=CSV, DataProcessing={"InputFilter": "$..a"}),
            "The InputFilter is no JSONPath that is supported: '$..a' cannot be read from '..a' on.",
        ),
        (
            request(given=CSV, taken=JSON, **JOIN),
            "JoinSource Input needs input and output of one format: ContentType and Accept must both be CSV, or both JSON.",
        ),
        (
            request(given=CSV, taken={"Accept": "application/x-npy"}, DataProcessing={"OutputFilter": "$[0]"}),
            (
                "DataProcessing needs the Accept to be one of text/csv, application/json, application/jsonlines, "
                "application/x-jsonlines; "
                "it is application/x-npy."
            ),
        ),
    ],
)
def test_what_is_refused(broken: Any, sentence: str) -> None:
    assert [violation.message for violation in violations(broken)] == [sentence]
