"""docs/operations.md is what the emulator does with each operation of botocore's model."""

import pytest

from tests.unit.operations_page import PAGE, page, versions


def test_the_page_is_what_the_emulator_does() -> None:
    """`make pages` writes it."""
    written = PAGE.read_text(encoding="utf-8")
    if not all(f"{name} {version}" in written for name, version in versions().items()):
        pytest.skip("the page is of another version of botocore or moto")
    assert written == page()
