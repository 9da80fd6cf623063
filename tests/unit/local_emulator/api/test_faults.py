"""What repeats is told once in a while, with how often it has happened."""

import pytest

from local_emulator.api.faults import Faults


def test_what_repeats_is_told_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    faults = Faults(every=60, clock=lambda: now[0])
    for second in range(120):
        now[0] = second
        faults.report("kind", "it happened")
    faults.report("other", "something else happened")
    assert capsys.readouterr().err == "it happened\nit happened (59 more like it before)\nsomething else happened\n"
