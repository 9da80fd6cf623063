"""DataProcessing: filters of input and output, and the join of both."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from local_emulator.runs.transforming.paths import Path
from local_emulator.runs.transforming.records import PayloadError

CSV = "text/csv"
JSON_LINES = ("application/jsonlines", "application/x-jsonlines")
JSON = "application/json"


def kind_of(content_type: str | None) -> str:
    """A content type without its parameters."""
    return (content_type or "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Association:
    """What is sent of a record, and what is kept of it and its answer."""

    input_filter: str = "$"
    output_filter: str = "$"
    join: bool = False

    @property
    def filters_input(self) -> bool:
        """Whether anything but the whole record is sent."""
        return self.input_filter != "$"

    @property
    def filters_output(self) -> bool:
        """Whether anything but the answer itself is kept."""
        return self.join or self.output_filter != "$"

    def sent(self, records: Sequence[bytes], content_type: str) -> Sequence[bytes]:
        """What is sent of some records; raises PayloadError."""
        if not self.filters_input:
            return records
        path = Path(self.input_filter)
        return [_written(_apply(path, _parsed(record, content_type)), content_type) for record in records]

    def kept(self, records: Sequence[bytes], content_type: str, answer: bytes, accept: str) -> bytes:
        """What is kept of the answer to some records: a line for each record, or the answer itself; raises PayloadError."""
        if not self.filters_output:
            return answer
        outputs = _answers(answer, accept, len(records))
        path, lines = Path(self.output_filter), []
        for record, output in zip(records, outputs, strict=True):
            joined = _joined(_parsed(record, content_type), output) if self.join else output
            lines.append(_written(_apply(path, joined), accept))
        return b"".join(lines)


def _answers(answer: bytes, accept: str, count: int) -> Sequence[Any]:
    """The answers to records, one by one."""
    if kind_of(accept) == JSON:
        value = _parsed(answer, accept)
        outputs = value if isinstance(value, list) and len(value) == count and count > 1 else [value]
    else:
        outputs = [_parsed(line, accept) for line in answer.splitlines() if line.strip()]
    if len(outputs) != count:
        raise PayloadError("Fail to join data: mismatched line count between the input and the output")
    return outputs


def _parsed(record: bytes, content_type: str) -> Any:  # noqa: ANN401 - a list for CSV, JSON for JSON
    try:
        text = record.decode()
        if kind_of(content_type) == CSV:
            return next(csv.reader([text.rstrip("\r\n")]), [])
        return json.loads(text)
    except (ValueError, RecursionError, csv.Error) as error:
        raise PayloadError(f"Unable to parse data as {content_type}: {error}") from error


def _written(value: Any, content_type: str) -> bytes:  # noqa: ANN401 - see above
    """A record as a line."""
    if kind_of(content_type) == CSV:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(value if isinstance(value, list) else [value])
        return line.getvalue().encode()
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _apply(path: Path, value: Any) -> Any:  # noqa: ANN401 - see above
    try:
        return path.apply(value)
    except LookupError as error:
        raise PayloadError(f"Fail to apply filter: {error.args[0]}.") from error


def _joined(record: Any, output: Any) -> Any:  # noqa: ANN401 - see above
    """CSV: the columns of both. JSON: the record with its answer as `SageMakerOutput`."""
    if isinstance(record, list) and isinstance(output, list):
        return [*record, *output]
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": output}
    return {"SageMakerInput": record, "SageMakerOutput": output}
