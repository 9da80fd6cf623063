"""A tuning job's status as HTML, and live in a notebook."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sm_tuning.client.progress import notebook_progress, status_html
from sm_tuning.client.status import RunStatus, Training

CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def status(name: str = "churn", **changes: Any) -> RunStatus:
    members: dict[str, Any] = {
        "name": name,
        "status": "InProgress",
        "counters": {"Completed": 3, "InProgress": 2, "NonRetryableError": 1},
        "objectives": {},
        "max_jobs": 12,
        "created": CREATED,
        "ended": CREATED + timedelta(seconds=40),
        "best": None,
        "failure_reason": None,
        "objective": "loss",
    }
    return RunStatus(**(members | changes))


def test_bar_counts_what_has_ended() -> None:
    page = status_html(status())
    assert 'value="4" max="12"' in page
    assert "4 of 12 training jobs ended" in page
    assert "2 running, 1 failed" in page
    assert "about 1 min 20 s left" in page


def test_best_is_told_with_its_hyperparameters() -> None:
    best = Training(name="churn-001", status="Completed", hyperparameters={"rate": "0.0123456", "kind": '"a"'}, value=0.25)
    page = status_html(status(best=best, status="Completed", max_jobs=None))
    assert "loss 0.25 by churn-001" in page
    assert "rate = 0.01235, kind = a" in page
    assert "s left" not in page
    assert "4 training jobs ended" in page


def test_hostile_names_are_text() -> None:
    hostile = "<img src=x onerror=alert(1)>"
    best = Training(name=hostile, status="Completed", hyperparameters={hostile: hostile}, value=1.0)
    page = status_html(status(hostile, best=best, failure_reason=hostile, objective=hostile))
    assert "<img" not in page
    assert page.count("&lt;img") == 6


class Display:
    """IPython's display: what was shown, and what has taken its place."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def __call__(self, status: Any, *, display_id: bool) -> "Display":
        assert display_id
        self.update(status)
        return self

    def update(self, status: Any) -> None:
        self.shown.append(status._repr_html_())
        assert "training jobs ended" in repr(status)


def ipython(shell: object, display: Callable[..., Any]) -> dict[str, ModuleType]:
    return {
        "IPython": SimpleNamespace(get_ipython=lambda: shell),  # type: ignore[dict-item]
        "IPython.display": SimpleNamespace(display=display),  # type: ignore[dict-item]
    }


def test_a_notebook_shows_each_status_in_place_of_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    display = Display()
    for name, module in ipython(SimpleNamespace(kernel=object()), display).items():
        monkeypatch.setitem(sys.modules, name, module)
    show = notebook_progress()
    assert show is not None
    show(status())
    show(status(status="Completed"))
    assert ["InProgress" in page for page in display.shown] == [True, False]


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])  # no shell, and a terminal's
def test_elsewhere_nothing_is_shown(shell: object, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module in ipython(shell, Display()).items():
        monkeypatch.setitem(sys.modules, name, module)
    assert notebook_progress() is None


def test_without_ipython_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert notebook_progress() is None
