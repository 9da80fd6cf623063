"""Errors on the wire have AWS's codes; errors of this machine may pass."""

import errno

import pytest

from local_emulator.domain import errors
from local_emulator.domain.errors import AwsError, EmulatorError, StoreError, ValidationException, is_passing

AWS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AwsError) and kind is not AwsError]


@pytest.mark.parametrize("kind", AWS)
def test_the_code_of_an_error_is_its_name(kind: type[AwsError]) -> None:
    assert kind.code == kind.__name__
    assert kind("in a sentence").message == "in a sentence"


def test_a_store_error_is_never_an_answer() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, StoreError)]
    assert len(kinds) > 5
    assert all(issubclass(kind, EmulatorError) and not issubclass(kind, AwsError) for kind in kinds)


def test_a_refusal_names_its_rules() -> None:
    assert ValidationException("no", ("name-length", "max-wait")).rules == ("name-length", "max-wait")
    assert ValidationException("no").rules == ()


@pytest.mark.parametrize(
    ("number", "passing"),
    [(errno.ENOSPC, True), (errno.EMFILE, True), (errno.EIO, True), (errno.ENOENT, False), (errno.EACCES, False)],
)
def test_what_may_be_over_in_a_moment(number: int, *, passing: bool) -> None:
    assert is_passing(OSError(number, "")) is passing
