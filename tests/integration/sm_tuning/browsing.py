"""What tests of pages in a browser share."""

import time
from typing import Any


def until(tab: Any, expression: str) -> None:
    """Wait for a JavaScript expression. Playwright's own waiting evaluates it in the page, whose policy refuses that."""
    deadline = time.monotonic() + 180
    while not tab.evaluate(expression):
        assert time.monotonic() < deadline, expression
        tab.wait_for_timeout(50)
