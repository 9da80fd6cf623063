"""Hand out test files, not tests: of several processes the one that runs a file imports it, and no other.

pytest-xdist lets every process import all files and list all tests first, which took each of four processes 22 s. With this plugin,
`-p tests.by_file`, a file is one item until its turn comes. Longest first, so that none is the last to begin: by the seconds of its
`pytest.mark.slow(seconds)`. Tests cannot be chosen by `-k` or by name here: run pytest without this plugin for that.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import pytest

_SLOW = re.compile(r"\bmark\.slow\((\d+)\)")


class _File(pytest.File):
    def collect(self) -> Iterator["_Tests"]:
        yield _Tests.from_parent(self, name="all", nodeid=self.nodeid)


class _Tests(pytest.Item):
    """The tests of a file whose turn has not come."""

    def seconds(self) -> int:
        return sum(map(int, _SLOW.findall(self.path.read_text())))

    def list(self) -> list[pytest.Item]:
        """Import the file; an error is reported as any of a collection."""
        assert self.parent is not None
        module = pytest.Module.from_parent(self.parent.parent, path=self.path)
        items = list(self.session.genitems(module))
        self.config.hook.pytest_collection_modifyitems(session=self.session, config=self.config, items=items)
        return items

    def runtest(self) -> NoReturn:
        raise NotImplementedError


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> _File:
    file: _File = _File.from_parent(parent, path=module_path)
    return file


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: -item.seconds() if isinstance(item, _Tests) else 0)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if not isinstance(item, _Tests):
        return None
    session, hook = item.session, item.config.hook
    index = session.items.index(item)
    try:
        if not (tests := item.list()):  # the last test of the file before has left what it shares with this one
            session._setupstate.teardown_exact(nextitem)
        for test, following in pairwise([*tests, nextitem]):
            assert test is not None
            session.items[index] = test  # pytest-xdist compares what is reported with what it has asked for
            hook.pytest_runtest_protocol(item=test, nextitem=following)
            if session.shouldfail or session.shouldstop:
                break
    finally:
        session.items[index] = item
    return True
