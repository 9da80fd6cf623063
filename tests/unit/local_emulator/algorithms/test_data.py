"""Features and labels of a channel's files."""

import pytest

from local_emulator.algorithms.contract import CustomerError
from local_emulator.algorithms.data import content_type, read_csv


@pytest.mark.parametrize(
    ("text", "kind", "parameters"),
    [
        ("text/csv;label_size=0", "text/csv", {"label_size": "0"}),
        (" Text/CSV ; label_size = 1", "text/csv", {"label_size ": " 1"}),
        ("", "default", {}),
        ("text/csv;charset", "text/csv", {}),
    ],
)
def test_content_types(text: str, kind: str, parameters: dict[str, str]) -> None:
    assert content_type(text, "default") == (kind, parameters)


def test_a_csv_is_a_table_of_numbers() -> None:
    assert read_csv(b"1,2\n3,4e-1\n", "f").tolist() == [[1, 2], [3, 0.4]]
    assert read_csv(b"5\n", "f").tolist() == [[5]]
    assert read_csv(b" \n", "f").shape == (0, 0)


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"1,2\n3\n", b"1,,2\n", b"# 1\n"])
def test_anything_else_is_the_customers_error(content: bytes) -> None:
    with pytest.raises(CustomerError, match="The file part-0 is no CSV of numbers without a header"):
        read_csv(content, "part-0")
