"""Default content types of AWS's toolkits. What is expected was answered by the toolkits themselves."""

from typing import Any

import numpy as np
import pytest

from local_emulator.inference.toolkits.encoding import CONTAINERS, INFERENCE, ClientError, Encoding, UnsupportedFormatError

MATRIX = np.array([[1.0, 2.5], [3.0, 4.0]])


@pytest.mark.parametrize("encoding", [CONTAINERS, INFERENCE])
@pytest.mark.parametrize("kind", ["application/json", "application/x-npy", "text/csv"])
def test_what_is_written_is_read(encoding: Encoding, kind: str) -> None:
    assert encoding.decode(encoding.encode(MATRIX, kind), kind).tolist() == MATRIX.tolist()


@pytest.mark.parametrize(
    ("encoding", "array", "text"),
    [
        (CONTAINERS, [1, 2], "1\n2\n"),
        (CONTAINERS, [["a,b", 'c"d']], '"a,b","c""d"\n'),
        (INFERENCE, [1, 2], "1\n2\n"),
        (INFERENCE, [[1.0, 2.0]], "1.0,2.0\n"),
    ],
)
def test_csv(encoding: Encoding, array: Any, text: str) -> None:
    assert encoding.encode(array, "text/csv") == text


def test_json_of_what_holds_arrays() -> None:
    assert (
        CONTAINERS.encode({"a": np.float32(0.5), "b": MATRIX}, "application/json") == '{"a": 0.5, "b": [[1.0, 2.5], [3.0, 4.0]]}'
    )


def test_a_csv_of_one_row_and_one_of_words() -> None:
    assert CONTAINERS.decode("1,2", "text/csv").tolist() == [1.0, 2.0]
    assert CONTAINERS.decode("a,2", "text/csv").tolist() == ["a", "2"]
    with pytest.raises(ClientError, match="Error while decoding csv"):
        CONTAINERS.decode('"a', "text/csv")


def test_unsupported() -> None:
    with pytest.raises(UnsupportedFormatError, match="Content type text/plain is not supported"):
        CONTAINERS.encode(MATRIX, "text/plain")
