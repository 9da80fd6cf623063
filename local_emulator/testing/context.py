"""The context in which the emulator answers every AWS client of this process."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from local_emulator.domain.errors import EmulatorError
from local_emulator.settings import Settings
from local_emulator.testing.decoration import decorated

if TYPE_CHECKING:
    from local_emulator.testing.emulator import InProcessEmulator

T = TypeVar("T", bound=Callable[..., Any])

_STOP_GRACE = 1.0  # seconds


def default_settings() -> Settings:
    """Settings for tests: a script that ignores SIGTERM is killed after a second. AWS's grace is 120 seconds."""
    return Settings(stop_grace=_STOP_GRACE)


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Settings with some fields changed; TypeError for what is no field, ValueError for what cannot be a field's value."""
    if unknown := changes.keys() - {field.name for field in fields(Settings)}:
        raise TypeError(f"no field of Settings: {min(unknown)}")
    return replace(settings, **changes)


class EmulatedSageMaker(AbstractContextManager["InProcessEmulator"]):
    """A context manager and a decorator; what `emulated_sagemaker()` returns. Every use has an emulator of its own."""

    def __init__(self, settings: Settings, *, mock: bool) -> None:
        self._settings = settings
        self._mock = mock
        self._entered: list[AbstractContextManager[InProcessEmulator]] = []

    def __enter__(self) -> "InProcessEmulator":
        context = self._context()
        emulator = context.__enter__()  # only what has begun can be ended
        self._entered.append(context)
        return emulator

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool | None:
        return self._entered.pop().__exit__(kind, error, trace)

    def __call__(self, target: T) -> T:
        """A function, coroutine function or class with an emulator in each call or test; TypeError for anything else."""
        result: T = decorated(target, self._context)
        return result

    def _context(self) -> AbstractContextManager["InProcessEmulator"]:
        return _emulation(self._settings, mock=self._mock)


@overload
def emulated_sagemaker(settings: Settings | None = None, *, mock: bool = True, **changes: Any) -> EmulatedSageMaker: ...  # noqa: ANN401 - of Settings's fields
@overload
def emulated_sagemaker(settings: T) -> T: ...
def emulated_sagemaker(settings: Any = None, *, mock: bool = True, **changes: Any) -> Any:
    """Answer SageMaker's tuning and training operations of every boto3 client in this process; moto answers the rest.

    Use it as a context manager, whose value is the emulator, or as a decorator of functions, coroutine functions and classes, with
    or without parentheses. While it is open no botocore client reaches AWS, whenever it was made: requests to AWS's addresses are
    answered in this process, those to a loopback address reach the server there, all others raise RequestRefused. Credentials are
    dummies, profiles and configured endpoints are put aside, a region that is set is kept; all that is put back at the end. When the
    context ends, every run is killed and nothing is left behind.

    Args:
        settings: How the emulator behaves; `state` is ignored (a temporary folder is used and removed). None for
            `default_settings()`.
        mock: Start moto's mock_aws too. False if the test has started it already.
        changes: Fields of Settings that differ from `settings`: `time_scale=60`.

    Raises:
        EmulatorError: moto is not installed (the extra `emulator` brings it), or `mock` is False and moto's mock_aws is not active.
        TypeError: It decorates what is neither a function nor a class, or a change names no field of Settings.
        ValueError: A field has a value that it cannot have.
    """
    if settings is not None and not isinstance(settings, Settings):
        return EmulatedSageMaker(changed(default_settings(), changes), mock=mock)(settings)
    return EmulatedSageMaker(changed(settings or default_settings(), changes), mock=mock)


@contextmanager
def _emulation(settings: Settings, *, mock: bool) -> Iterator["InProcessEmulator"]:
    try:
        from local_emulator.testing.emulation import emulation  # noqa: PLC0415 - needs moto, which is optional and heavy
    except ModuleNotFoundError as error:
        raise EmulatorError(f"{error.name} is not installed: pip install 'sm-tuning[emulator]'") from error
    with emulation(settings, mock=mock) as emulator:
        yield emulator
