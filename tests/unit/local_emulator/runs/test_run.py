"""When a run's time is over."""

from pathlib import Path

import pytest

from local_emulator.runs.run import Cause, Command, Run


@pytest.mark.parametrize(
    ("max_runtime", "max_wait", "deadline"),
    [
        (None, None, None),
        (10.0, None, (110.0, Cause.MAX_RUNTIME)),
        (10.0, 5.0, (105.0, Cause.MAX_WAIT)),
        (10.0, 10.0, (110.0, Cause.MAX_RUNTIME)),
    ],
)
def test_the_first_limit_is_the_deadline(
    max_runtime: float | None, max_wait: float | None, deadline: tuple[float, Cause] | None
) -> None:
    run = Run(id="x", folder=Path("x"), program=Command(argv=("true",)), max_runtime=max_runtime, max_wait=max_wait)
    assert run.deadline(100.0) == deadline
