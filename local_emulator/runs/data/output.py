"""What the programs of a run print: copied to a log for each host, and the metrics in it to the run's one file of values."""

import json
import os
import select
import time
from collections.abc import Callable, Sequence
from functools import cached_property

from local_emulator.runs.clock import Clock
from local_emulator.runs.data.appender import Appender
from local_emulator.runs.data.log import LogWriter
from local_emulator.runs.data.matching import Matching
from local_emulator.runs.data.metrics import Value
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Run

_CHUNK = 256 * 1024
_DRAIN = 2.0  # seconds that the last output may take to arrive


class Output:
    """Logs, metrics and their file. `notify` is called when there are values. Hosts are numbered from 0."""

    def __init__(self, folder: RunFolder, run: Run, clock: Clock, notify: Callable[[], None]) -> None:
        self._logs = [LogWriter(folder.host(part.host), run.log_limit) for part in run.on_hosts]
        self._run = run
        self._values = Appender(folder.metrics)
        self._clock = clock
        self._notify = notify
        self._seq = 0

    @cached_property
    def matching(self) -> Matching:
        """What finds metrics, in the supervisor's loop. It begins when it is first wanted: a program need not wait for it to start."""
        return Matching(self._run.metrics, simple=self._run.simple_metrics)

    @property
    def full(self) -> bool:
        """Whether the disk has not taken everything."""
        return self._values.full or any(log.full for log in self._logs)

    def read(self, descriptor: int, host: int = 0) -> bool:
        """Take what can be read of a host's output; whether more may come."""
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return True
        ms = self._ms()
        self.matching.feed(self._logs[host].write(chunk, ms), ms)
        return bool(chunk)

    def drain(self, descriptor: int, host: int = 0) -> None:
        """Take what a program that has ended has printed last."""
        deadline = time.monotonic() + _DRAIN
        while time.monotonic() < deadline and select.select([descriptor], [], [], 0)[0] and self.read(descriptor, host):
            pass
        ms = self._ms()
        self.matching.feed(self._logs[host].flush(ms), ms)

    def insert(self, line: str, host: int = 0) -> None:
        """Add a line of the emulator's own to a host's log."""
        self._logs[host].insert(line, self._ms())

    def match(self) -> None:
        """Match for a moment, and write the values."""
        self._write(self.matching.pump())

    def finish_matching(self) -> None:
        """Write the last values, and end the matching."""
        self._write(self.matching.rest())
        self.matching.close()

    def close(self) -> None:
        """Close the files."""
        for log in self._logs:
            log.close()
        self._values.close()

    def _write(self, values: Sequence[Value]) -> None:
        rows = []
        for ms, name, value in values:
            self._seq += 1
            rows.append(json.dumps({"seq": self._seq, "ms": ms, "name": name, "value": value}) + "\n")
        while self.matching.complaints:
            self.insert(self.matching.complaints.pop(0))
        if rows:
            self._values.write("".join(rows).encode())
            self._notify()

    def _ms(self) -> int:
        self._clock.reread()
        return int(self._clock.seconds() * 1000)
