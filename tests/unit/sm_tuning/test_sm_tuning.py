"""The public names: each stands three times in the package, and is loaded when it is asked for."""

import ast
from pathlib import Path

import pytest

import sm_tuning


def test_public_names_are_loaded_when_they_are_asked_for() -> None:
    assert sorted(sm_tuning._MODULES) == sorted(sm_tuning.__all__)
    for name in sm_tuning.__all__:
        assert getattr(sm_tuning, name).__module__.startswith("sm_tuning."), name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        sm_tuning.nothing  # type: ignore[attr-defined] # noqa: B018


def test_type_checkers_see_what_is_loaded() -> None:
    tree = ast.parse(Path(sm_tuning.__file__).read_text())
    (block,) = [node for node in tree.body if ast.unparse(node).startswith("if TYPE_CHECKING:")]
    imports = [node for node in ast.walk(block) if isinstance(node, ast.ImportFrom)]
    assert {name.name: node.module for node in imports for name in node.names} == sm_tuning._MODULES


def test_the_public_names_are_all_that_is_listed() -> None:
    assert dir(sm_tuning) == sorted(sm_tuning.__all__)


def test_the_old_name_of_a_dry_runs_result_is_deprecated() -> None:
    with pytest.warns(DeprecationWarning, match=r"sm_tuning\.Report is sm_tuning\.DryRun now") as said:
        from sm_tuning import Report  # type: ignore[attr-defined] # noqa: PLC0415 - what is tried
    assert Report is sm_tuning.DryRun
    assert said[0].filename == __file__
    assert "Report" not in dir(sm_tuning)
