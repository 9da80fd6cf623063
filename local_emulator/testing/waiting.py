"""Nobody waits longer than a job takes: what polls SageMaker looks again after a moment, for as long in all as it would."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from botocore.waiter import Waiter

from local_emulator.testing import asynchronous

_LOOK = 0.02  # seconds between two looks at a job
_POLLERS = ("sm_tuning", "sagemaker")  # packages whose code sleeps between its looks at a job


@contextmanager
def without_delays() -> Iterator[None]:
    """boto3's waiters for SageMaker, `sm_tuning` and both SageMaker SDKs look every 20 ms; all others sleep as long as they want."""
    waiters: list[Any] = [Waiter, *asynchronous.waiters()]
    with ExitStack() as stack:
        for waiter in waiters:
            stack.enter_context(patch.object(waiter, "wait", _eager(waiter.wait)))
        stack.enter_context(patch.object(time, "sleep", _brief(time.sleep)))
        yield


def _eager(wait: Callable[..., Any]) -> Callable[..., Any]:
    """A waiter's `wait` that looks often, and gives up after the same time as ever."""

    def eager(self: Any, **parameters: Any) -> Any:  # noqa: ANN401 - botocore makes its classes at run time
        if type(self).__name__.startswith("SageMaker."):
            config = parameters.get("WaiterConfig") or {}
            delay = config.get("Delay", self.config.delay)
            attempts = config.get("MaxAttempts", self.config.max_attempts)
            if delay > _LOOK:
                more = {"Delay": _LOOK, "MaxAttempts": math.ceil(delay * attempts / _LOOK)}
                parameters = {**parameters, "WaiterConfig": {**config, **more}}
        return wait(self, **parameters)

    return eager


def _brief(sleep: Callable[[float], None]) -> Callable[[float], None]:
    """`time.sleep`, of which those who poll SageMaker get little."""

    def brief(seconds: float) -> None:
        caller: str = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001 - who sleeps is all that is to be known
        sleep(min(seconds, _LOOK) if caller.partition(".")[0] in _POLLERS else seconds)

    return brief
