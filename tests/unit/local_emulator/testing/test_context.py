"""How the context is asked for: as it is, called, with settings and changes of them."""

import sys
from contextlib import ExitStack

import pytest

from local_emulator.domain.errors import EmulatorError
from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker
from local_emulator.testing.context import EmulatedSageMaker, changed, default_settings


def test_changes_are_fields_of_settings() -> None:
    assert changed(Settings(parallel=3), {"region": "eu-west-1"}) == Settings(parallel=3, region="eu-west-1")
    with pytest.raises(TypeError, match="no field of Settings: paralel"):
        emulated_sagemaker(paralel=3)
    with pytest.raises(ValueError, match="time_scale"):
        emulated_sagemaker(time_scale=0)


def test_a_test_waits_a_second_for_a_script_that_does_not_stop() -> None:
    assert emulated_sagemaker()._settings == default_settings()
    assert default_settings().stop_grace == 1.0
    assert emulated_sagemaker(Settings(), region="eu-west-1")._settings == Settings(region="eu-west-1"), "AWS's own grace"


def test_with_and_without_parentheses() -> None:
    def test() -> None: ...

    assert isinstance(emulated_sagemaker(), EmulatedSageMaker)
    for decorated in (emulated_sagemaker(test), emulated_sagemaker()(test)):
        assert decorated is not test
        assert decorated.__name__ == "test"


def test_without_moto_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "local_emulator.testing.emulation", raising=False)
    monkeypatch.setitem(sys.modules, "moto", None)
    with pytest.raises(EmulatorError, match=r"moto is not installed: pip install 'sm-tuning\[emulator\]'"), emulated_sagemaker():
        pass


def test_only_what_was_entered_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[object] = []

    class Context:
        def __enter__(self) -> str:
            if steps:
                raise ZeroDivisionError
            steps.append("entered")
            return "emulator"

        def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
            steps.append(kind)

    monkeypatch.setattr(EmulatedSageMaker, "_context", lambda _self: Context())
    sagemaker = emulated_sagemaker()
    with pytest.raises(ZeroDivisionError), sagemaker, sagemaker:
        pass
    assert steps == ["entered", ZeroDivisionError]


def test_what_was_entered_last_is_left_first(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    numbers = iter(range(2))

    def context() -> ExitStack:
        stack = ExitStack()
        stack.callback(left.append, next(numbers))
        return stack

    monkeypatch.setattr(EmulatedSageMaker, "_context", lambda _self: context())
    sagemaker = emulated_sagemaker()
    with sagemaker, sagemaker:
        pass
    assert left == [1, 0]
