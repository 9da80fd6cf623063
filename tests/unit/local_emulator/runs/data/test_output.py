"""A program's output goes to the log, and the metrics in it to the file of values."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs.clock import Clock
from local_emulator.runs.data.log import read_log
from local_emulator.runs.data.output import Output
from local_emulator.runs.folder import RunFolder, read_metrics
from local_emulator.runs.run import Command, Run

METRICS = (MetricDefinition(name="loss", regex="loss=([0-9.]+)"), MetricDefinition(name="n", regex="n=([0-9])"))


class Program:
    """A pipe from a program to its output."""

    def __init__(self, path: Path) -> None:
        self.folder = RunFolder(path / "runs" / "r")
        self.folder.make()
        self.notified = 0
        self.reading, self.writing = os.pipe2(os.O_NONBLOCK)
        run = Run(id="r", folder=self.folder.path, program=Command(argv=("true",)), metrics=METRICS, simple_metrics=True)
        self.output = Output(self.folder, run, Clock(path / "clock"), self._notify)

    def _notify(self) -> None:
        self.notified += 1

    def prints(self, text: str) -> bool:
        os.write(self.writing, text.encode())
        return self.output.read(self.reading)

    @property
    def values(self) -> list[float]:
        return [observation.value for observation in read_metrics(self.folder, 0)[0]]

    @property
    def log(self) -> list[str]:
        return [line.text for line in read_log(self.folder)[0]]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path)
    yield program
    program.output.close()
    for descriptor in (program.reading, program.writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_lines_and_values_in_order(program: Program) -> None:
    assert program.prints("loss=0.5\nhalf a li")
    assert program.output.read(program.reading), "nothing to read is no end"
    program.output.match()
    assert (program.values, program.notified) == ([0.5], 1)
    program.output.match()
    assert program.notified == 1, "there is no news"
    assert program.prints("ne, loss=0.25\nloss=0.125 n=3\n")
    program.output.match()
    assert program.values == [0.5, 0.25, 0.125, 3.0]
    assert program.log == ["loss=0.5", "half a line, loss=0.25", "loss=0.125 n=3"]
    rows = [json.loads(row) for row in program.folder.metrics.read_text().splitlines()]
    assert [(row["seq"], row["name"]) for row in rows] == [(1, "loss"), (2, "loss"), (3, "loss"), (4, "n")]


def test_the_last_line_counts_without_its_end(program: Program) -> None:
    program.prints("loss=0.5")
    program.output.match()
    assert (program.values, program.log) == ([], [])
    os.write(program.writing, b" n=7")
    os.close(program.writing)
    program.output.drain(program.reading)
    program.output.match()
    program.output.finish_matching()
    assert (program.values, program.log) == ([0.5, 7.0], ["loss=0.5 n=7"])
    assert not program.output.read(program.reading), "its end"


def test_what_a_daemon_goes_on_printing_is_not_waited_for(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(1000))
    monkeypatch.setattr("local_emulator.runs.data.output.time.monotonic", lambda: float(next(now)))
    monkeypatch.setattr(Output, "read", lambda _output, _descriptor, _host: True)
    os.write(program.writing, b"more and more")
    program.output.drain(program.reading)
    assert next(now) < 6, "the time that the last output may take"


def test_the_emulators_own_lines_are_marked(program: Program) -> None:
    program.prints("n=1\n")
    program.output.insert("something is left out")
    assert program.log == ["n=1", "[sm-tuning: something is left out]"]


def test_complaints_of_the_matching_are_lines_of_the_log(program: Program) -> None:
    program.output.matching.complaints.append("metric 'x' is too slow")
    program.output.match()
    assert program.log == ["[sm-tuning: metric 'x' is too slow]"]
    assert program.notified == 0
