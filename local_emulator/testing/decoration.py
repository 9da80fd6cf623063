"""Test functions and classes in whose every test a context is open."""

import functools
import inspect
import unittest
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AbstractContextManager, ExitStack, aclosing
from types import FunctionType
from typing import Any

Opens = Callable[[], AbstractContextManager[Any]]

_ENTERED = "_emulated_sagemaker_entered"  # of an instance of a test class


def decorated(target: Any, opens: Opens) -> Any:  # noqa: ANN401 - a function or class of whatever type
    """A function, coroutine function or class, each of whose calls or tests has a context of its own.

    Of a `unittest.TestCase` the context is open from before `setUp` until after the last clean-up; of another class from before
    `setup_method` until after `teardown_method`. Class- and module-wide set-ups are outside.

    Raises:
        TypeError: It is something else, such as a fixture.
    """
    if inspect.isclass(target):
        return _decorated_class(target, opens)
    if isinstance(target, staticmethod | classmethod):
        return type(target)(decorated(target.__func__, opens))
    if not _is_function(target):
        raise TypeError(
            f"emulated_sagemaker decorates functions, coroutine functions and classes, not {target!r}; "
            "of a fixture it belongs below @pytest.fixture"
        )
    return _decorated_function(target, lambda _arguments: opens())


def _is_function(target: object) -> bool:
    return isinstance(target, FunctionType | functools.partial) and not hasattr(target, "_pytestfixturefunction")


def _decorated_function(function: Any, opens: Callable[[tuple[Any, ...]], AbstractContextManager[Any]]) -> Any:  # noqa: ANN401 - any function
    """Around each call a context, which may depend on the arguments; it lasts as long as what the call begins."""
    wrapper: Any
    if inspect.isasyncgenfunction(function):

        async def wrapper(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - see above
            with opens(args):
                async with aclosing(function(*args, **kwargs)) as items:
                    async for item in items:
                        yield item

    elif inspect.iscoroutinefunction(function):

        async def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - see above
            with opens(args):
                return await function(*args, **kwargs)

    elif inspect.isgeneratorfunction(function):

        def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:  # noqa: ANN401 - see above
            with opens(args):
                return (yield from function(*args, **kwargs))

    else:

        def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - see above
            with opens(args):
                return function(*args, **kwargs)

    return functools.wraps(function)(wrapper)


# --- classes --------------------------------------------------------------------------------------------------------------


def _decorated_class(klass: Any, opens: Opens) -> Any:  # noqa: ANN401 - any class
    if issubclass(klass, unittest.TestCase):
        klass.run = _decorated_function(klass.run, lambda _arguments: opens())
        return klass

    def unless_entered(arguments: tuple[Any, ...]) -> AbstractContextManager[Any]:
        """Its `setup_method` was called by pytest; somebody else may call the method as it is."""
        return ExitStack() if getattr(arguments[0], _ENTERED, None) else opens()

    for name, member in list(vars(klass).items()):
        if name in {"setup_method", "teardown_method"} or name.startswith("_"):
            continue
        if inspect.isclass(member) and any(attribute.startswith("test") for attribute in dir(member)):
            setattr(klass, name, _decorated_class(member, opens))
        elif _is_function(member):
            setattr(klass, name, _decorated_function(member, unless_entered))
    klass.setup_method = _setup(getattr(klass, "setup_method", None), opens)
    klass.teardown_method = _teardown(getattr(klass, "teardown_method", None))
    return klass


def _setup(original: Callable[..., None] | None, opens: Opens) -> Callable[[Any, Any], None]:
    def setup_method(self: Any, method: Any) -> None:  # noqa: ANN401 - an instance of whatever class, and its method
        stack = ExitStack()
        stack.enter_context(opens())
        entered = vars(self).setdefault(_ENTERED, [])
        entered.append(stack)
        stack.callback(entered.remove, stack)
        try:
            _call(original, self, method)
        except BaseException:  # pytest calls no teardown_method then
            stack.close()
            raise

    return setup_method


def _teardown(original: Callable[..., None] | None) -> Callable[[Any, Any], None]:
    def teardown_method(self: Any, method: Any) -> None:  # noqa: ANN401 - see above
        with getattr(self, _ENTERED)[-1]:
            _call(original, self, method)

    return teardown_method


def _call(original: Callable[..., None] | None, self: Any, method: Any) -> None:  # noqa: ANN401 - see above
    """As pytest does: the method is handed on only to whom it interests."""
    if original is not None:
        wants = len(inspect.signature(original).parameters) > 1
        original(self, method) if wants else original(self)
