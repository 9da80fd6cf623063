"""How far a tuning job is, as HTML, and shown again and again in one place of a notebook."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from sm_tuning.client.status import RunStatus, duration, setting
from sm_tuning.summary import Summary, escaped


def status_html(status: RunStatus) -> str:
    """A tuning job's status: a bar of the training jobs that have ended, and facts."""
    bar = f'<progress style="width:20em" value="{status.finished}" max="{status.total}"></progress>'
    of = "" if status.max_jobs is None else f" of {status.max_jobs}"
    jobs = f"{status.finished}{of} training jobs ended"
    return f"{Summary(title=f'{status.name}: {status.status}', facts=_facts(status)).html()}<p>{bar} {escaped(jobs)}</p>"


def _facts(status: RunStatus) -> Mapping[str, str]:
    counts = {"running": status.running, "failed": status.failed, "stopped": status.stopped}
    best = status.best
    settings = {} if best is None else best.hyperparameters
    known = best is not None and best.value is not None
    return {
        "training jobs": ", ".join(f"{count} {name}" for name, count in counts.items() if count),
        "best": f"{status.objective or 'objective'} {best.value:.6g} by {best.name}" if best is not None and known else "",
        "with": ", ".join(f"{name} = {setting(text)}" for name, text in settings.items()) if known else "",
        "time": duration(status.seconds) + (f", about {duration(status.seconds_left)} left" if status.seconds_left else ""),
        "failure": status.failure_reason or "",
    }


class _Shown:
    """A status as IPython displays it."""

    def __init__(self, status: RunStatus) -> None:
        self._status = status

    def __repr__(self) -> str:
        return str(self._status)

    def _repr_html_(self) -> str:
        return status_html(self._status)


def notebook_progress() -> Callable[[RunStatus], object] | None:
    """A function that shows a status in the output of a notebook's cell, each in place of the last; None outside notebooks."""
    display = _display_of_notebook()
    if display is None:
        return None
    handle: Any = None

    def show(status: RunStatus) -> None:
        nonlocal handle
        if handle is None:
            handle = display(_Shown(status), display_id=True)
        else:
            handle.update(_Shown(status))

    return show


def _display_of_notebook() -> Callable[..., Any] | None:
    """IPython's `display`, if this program is a notebook's kernel. IPython is not imported: where it runs it is there."""
    ipython = sys.modules.get("IPython")
    display = sys.modules.get("IPython.display")
    shell = None if ipython is None else ipython.get_ipython()
    return display.display if display is not None and hasattr(shell, "kernel") else None
