"""The tree of errors, and what is said of a package that is not installed."""

import importlib
import inspect
import re

import pytest

from sm_tuning import errors
from sm_tuning.errors import MissingExtra, SmTuningError, optional_package

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]


def test_every_error_is_in_the_tree_and_in_the_text_above_it() -> None:
    assert all(issubclass(kind, SmTuningError) for kind in CLASSES)
    named = re.findall(r"^[│ ]*[├└]── (\w+) ", errors.__doc__ or "", re.MULTILINE)
    assert sorted(named) == sorted(kind.__name__ for kind in CLASSES if kind is not SmTuningError)


def test_who_catches_pythons_errors_catches_these() -> None:
    assert issubclass(errors.Invalid, ValueError)
    assert issubclass(errors.WaitTimeout, TimeoutError)


def test_a_missing_package_names_its_extra() -> None:
    text = r"charts need x: pip install 'sm-tuning\[results\]' \(No module named 'no_such_module'\)"
    with pytest.raises(MissingExtra, match=text), optional_package("results", "charts need x"):
        importlib.import_module("no_such_module")
    with pytest.raises(ZeroDivisionError), optional_package("results", "charts need x"):
        raise ZeroDivisionError
