"""What CreateTransformJob may say, beyond botocore's model: AWS's rules, and the emulator's own limits."""

from collections.abc import Iterator

from local_emulator.domain.jobs import Document
from local_emulator.runs.transforming.association import CSV, JSON, JSON_LINES, kind_of
from local_emulator.runs.transforming.paths import Path, PathError
from sm_tuning.rules.violation import Violation

_MOST_TOGETHER = 100  # MaxConcurrentTransforms times MaxPayloadInMB
_KINDS = ("S3Prefix", "ManifestFile")


def violations(request: Document) -> Iterator[Violation]:
    """What of a request of CreateTransformJob is wrong, or cannot be done here."""
    concurrent, payload = request.get("MaxConcurrentTransforms", 1), request.get("MaxPayloadInMB", 6)
    if concurrent * payload > _MOST_TOGETHER:
        sentence = (
            f"The value of MaxConcurrentTransforms * MaxPayloadInMB must not exceed {_MOST_TOGETHER} MB; "
            f"it is {concurrent} * {payload}."
        )
        yield Violation("MaxPayloadInMB", payload, f"at most {_MOST_TOGETHER} together", sentence)
    given = request["TransformInput"]
    kind = given["DataSource"]["S3DataSource"]["S3DataType"]
    if kind not in _KINDS:
        sentence = f"The S3DataType {kind} is not emulated for transform jobs; it must be one of {', '.join(_KINDS)}."
        yield Violation("TransformInput.DataSource.S3DataSource.S3DataType", kind, "emulated", sentence)
    if given.get("SplitType") == "TFRecord":
        sentence = "The SplitType TFRecord is not emulated; None, Line and RecordIO are."
        yield Violation("TransformInput.SplitType", "TFRecord", "emulated", sentence)
    if request.get("DataCaptureConfig"):
        sentence = "A DataCaptureConfig is not emulated: nothing here would capture data. Leave it out."
        yield Violation("DataCaptureConfig", request["DataCaptureConfig"], "absent", sentence)
    if "DataProcessing" in request:
        yield from _processing(request["DataProcessing"], given, request["TransformOutput"])


def _processing(processing: Document, given: Document, taken: Document) -> Iterator[Violation]:
    for member in ("InputFilter", "OutputFilter"):
        try:
            Path(processing.get(member, "$"))
        except PathError as error:
            sentence = f"The {member} is no JSONPath that is supported: {error}."
            yield Violation(f"DataProcessing.{member}", processing[member], "a JSONPath", sentence)
    changed = {member for member in ("InputFilter", "OutputFilter") if processing.get(member, "$") != "$"}
    joins = processing.get("JoinSource") == "Input"
    if not changed and not joins:
        return
    known = (CSV, JSON, *JSON_LINES)
    kinds = {"ContentType": kind_of(given.get("ContentType")), "Accept": kind_of(taken.get("Accept") or given.get("ContentType"))}
    for member, kind in kinds.items():
        if kind not in known:
            sentence = f"DataProcessing needs the {member} to be one of {', '.join(known)}; it is {kind or 'absent'}."
            yield Violation(member, kind, "CSV or JSON", sentence)
    if joins and (kinds["ContentType"] == CSV) != (kinds["Accept"] == CSV):
        sentence = "JoinSource Input needs input and output of one format: ContentType and Accept must both be CSV, or both JSON."
        yield Violation("DataProcessing.JoinSource", "Input", "of one format", sentence)
