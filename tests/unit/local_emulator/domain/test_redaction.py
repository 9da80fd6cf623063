"""Values of a job's environment do not show where it fails."""

import pytest

from local_emulator.domain.redaction import without_environment


@pytest.mark.parametrize(
    ("environment", "text", "shown"),
    [
        ({"DB_URL": "postgres://me:pw@db"}, "cannot reach postgres://me:pw@db!", "cannot reach (the value of DB_URL)!"),
        ({"API_KEY": "s3cr"}, "bad key s3cr", "bad key (the value of API_KEY)"),
        ({"MODE": "fast"}, "mode fast failed", "mode fast failed"),  # a word that any text may hold
        ({"A": "abcdefgh", "B": "abcdefghij"}, "abcdefghij abcdefgh", "(the value of B) (the value of A)"),
        ({"PEM": "-----BEGIN\nMIIEpAIBAAKC\n"}, "got MIIEpAIBAAKC", "got (the value of PEM)"),
        ({}, "as it was", "as it was"),
    ],
)
def test_names_stand_for_values(environment: dict[str, str], text: str, shown: str) -> None:
    assert without_environment(text, environment) == shown
