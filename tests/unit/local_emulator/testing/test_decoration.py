"""Around which calls of a function or of a class's methods a context is open."""

import unittest
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from local_emulator.testing.decoration import decorated


class Contexts:
    """Contexts that note how many are open."""

    def __init__(self) -> None:
        self.open = 0
        self.opened = 0

    def __call__(self) -> AbstractContextManager[None]:
        return self._context()

    @contextmanager
    def _context(self) -> Iterator[None]:
        self.open += 1
        self.opened += 1
        try:
            yield
        finally:
            self.open -= 1


@pytest.fixture
def contexts() -> Contexts:
    return Contexts()


def test_each_call_has_a_context_which_ends_with_it(contexts: Contexts) -> None:
    def function(*, fails: bool) -> int:
        if fails:
            raise ZeroDivisionError
        return contexts.open

    wrapped = decorated(function, contexts)
    assert [wrapped(fails=False), wrapped(fails=False)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        wrapped(fails=True)
    assert (contexts.open, contexts.opened) == (0, 3)


def test_a_generators_context_lasts_until_its_end(contexts: Contexts) -> None:
    def generator() -> Iterator[int]:
        yield contexts.open
        yield contexts.open

    items = decorated(generator, contexts)()
    assert contexts.open == 0, "nothing has begun"
    assert next(items) == 1
    assert contexts.open == 1
    assert list(items) == [1]
    assert contexts.open == 0


def test_methods_share_the_context_of_their_set_up(contexts: Contexts) -> None:
    seen: list[int] = []

    class TestIt:
        def setup_method(self, method: object) -> None:
            assert method is not None
            seen.append(contexts.open)

        def test(self) -> None:
            seen.append(contexts.open)

        def teardown_method(self) -> None:
            seen.append(contexts.open)

    test = decorated(TestIt, contexts)()
    test.setup_method(test.test)
    test.test()
    test.teardown_method(test.test)
    assert (seen, contexts.open, contexts.opened) == ([1, 1, 1], 0, 1)
    test.test()  # as somebody else calls it
    assert (seen[3:], contexts.open, contexts.opened) == ([1], 0, 2)


def test_a_set_up_that_fails_leaves_nothing_open(contexts: Contexts) -> None:
    class TestIt:
        def setup_method(self) -> None:
            raise ZeroDivisionError

    test = decorated(TestIt, contexts)()
    with pytest.raises(ZeroDivisionError):
        test.setup_method(None)
    assert contexts.open == 0


def test_nested_classes_with_tests_are_classes_of_tests(contexts: Contexts) -> None:
    class TestIt:
        class TestNested:
            def test(self) -> int:
                return contexts.open

        class Data:
            def value(self) -> int:
                return contexts.open

    outer = decorated(TestIt, contexts)
    assert (outer.TestNested().test(), outer.Data().value()) == (1, 0)


def test_a_test_case_has_it_from_set_up_to_clean_up(contexts: Contexts) -> None:
    seen: list[int] = []

    class Case(unittest.TestCase):
        def setUp(self) -> None:
            self.addCleanup(lambda: seen.append(contexts.open))

        def test(self) -> None:
            seen.append(contexts.open)

    result = unittest.TestResult()
    decorated(Case, contexts)("test").run(result)
    assert (result.wasSuccessful(), seen, contexts.open, contexts.opened) == (True, [1, 1], 0, 1)


@pytest.mark.parametrize("target", [3, "text", pytest.fixture(lambda: None)])
def test_what_is_neither_function_nor_class_is_refused(contexts: Contexts, target: object) -> None:
    with pytest.raises(TypeError, match="decorates functions, coroutine functions and classes"):
        decorated(target, contexts)
