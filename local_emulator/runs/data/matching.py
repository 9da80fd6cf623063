"""Matches a run's output against its metric definitions in a helper: no expression, however bad, keeps the supervisor from anything.

The supervisor hands over lines and gets values back, a line at a time. A helper that dies or hangs over a line is replaced by another,
which begins with that line, without the definition that it was at. A few simple expressions need none: the supervisor matches them
itself, a little at a time, as a helper costs some milliseconds at the end of each run.
"""

import itertools
import json
import mmap
import os
import struct
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs import helper
from local_emulator.runs.data import expressions
from local_emulator.runs.data.metrics import Matcher, Thinning, Value, cut_notice, disabled_notice

_CHUNK = 256 * 1024
_MEMORY = 512 * 2**20
_BACKLOG = 16 * 2**20
_HANGS = 2.0  # seconds of processor time at one definition and one line; `regex` itself gives up long before
_IDLE = 60.0  # seconds without any progress: it is stopped, or waits for something
_FEW = 8  # definitions
_AT_A_TIME = 0.02  # seconds of matching between two looks at everything else
_DEATHS = 2  # at the same definition; a single one may be anybody's doing
_MARK = struct.Struct("<qQ")  # definition, and how many have been tried


def simple(definitions: Sequence[MetricDefinition]) -> bool:
    """Whether definitions are few and simple enough to need no helper."""
    return len(definitions) <= _FEW and all(expressions.simple(definition.regex) for definition in definitions)


class Matching:
    """Matches the lines of one run, in order; without a helper if the definitions are `simple`."""

    def __init__(self, definitions: Sequence[MetricDefinition], *, simple: bool) -> None:
        self._definitions = dict(enumerate(definitions))
        self._names = [definition.name for definition in definitions]
        self._mark = mmap.mmap(-1, _MARK.size)  # shared: the definition that the helper is at
        self._lines: deque[tuple[int, bytes]] = deque()  # those that have not been answered
        self._unsent = bytearray()
        self._answers = b""
        self._backlog = 0
        self._deaths: Counter[int] = Counter()
        self._progress: tuple[tuple[int, int], float, float] | None = None
        self._thinning = Thinning(time.monotonic)
        self.complaints: list[str] = []
        self._direct = Matcher(self._definitions, clock=time.thread_time, mark=lambda _: None) if definitions and simple else None
        self._helper = self._begin() if definitions and not simple else None

    def _begin(self) -> helper.Helper:
        definitions, mark = dict(self._definitions), self._mark
        _MARK.pack_into(mark, 0, -1, 0)
        self._unsent = bytearray(b"".join(line + b"\n" for _, line in self._lines))
        self._answers = b""
        return helper.start(lambda asking, answering: _serve(definitions, mark, asking, answering), _MEMORY)

    # --- the supervisor's loop ----------------------------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        """The helper's process."""
        return self._helper.pid if self._helper else None

    @property
    def reading(self) -> int | None:
        """Where answers come from."""
        return self._helper.answers if self._helper else None

    @property
    def writing(self) -> int | None:
        """Where lines go to, if there are any to be sent."""
        return self._helper.to if self._helper and self._unsent else None

    @property
    def busy(self) -> bool:
        """Whether `pump` is to be called again at once."""
        return self._direct is not None and bool(self._lines)

    @property
    def full(self) -> bool:
        """Whether so much waits that no more should be read."""
        return self._backlog > _BACKLOG

    @property
    def done(self) -> bool:
        """Whether every line has been answered."""
        return not self._lines

    def feed(self, lines: Sequence[bytes], ms: int) -> None:
        """Take lines as they stand in the log, and the time at which they came."""
        if self._helper is None and self._direct is None:
            return
        for line in lines:
            self._lines.append((ms, line))
            self._backlog += len(line)
            if self._helper is not None:
                self._unsent += line + b"\n"

    def pump(self) -> Sequence[Value]:
        """Send and receive as much as goes without waiting; values in the order of lines, definitions and places."""
        values, thinned = self._thinning.take(self._pump())
        if thinned:
            self.complaints.append(
                "so many values of metrics have been printed that only the newest of each is kept from here on, once a second"
            )
        return values

    def rest(self) -> Sequence[Value]:
        """The last values, where there are so many that not all are kept."""
        return self._thinning.rest()

    def _pump(self) -> Sequence[Value]:
        if self._direct is not None:
            return self._match(self._direct)
        if self._helper is None:
            return ()
        try:
            while self._unsent:
                del self._unsent[: os.write(self._helper.to, memoryview(self._unsent)[:_CHUNK])]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._replace()
            return ()
        try:
            content = os.read(self._helper.answers, _CHUNK)
        except BlockingIOError:
            return ()
        if not content:
            self._replace()
            return ()
        *answers, self._answers = (self._answers + content).split(b"\n")
        facts = [json.loads(answer) for answer in answers]
        return [value for fact in facts for value in self._take(fact["values"], fact["slow"], fact["cut"])]

    def _match(self, matcher: Matcher) -> Sequence[Value]:
        values: list[Value] = []
        begun = time.monotonic()
        while self._lines and time.monotonic() - begun < _AT_A_TIME:
            matched = matcher.match(self._lines[0][1].decode())
            values += self._take(matched, matcher.disabled, matcher.cut)
        return values

    def check(self) -> None:
        """Check whether the helper hangs; called now and then."""
        if self._helper is None or not self._lines:
            self._progress = None
            return
        now, used, at = time.monotonic(), self._helper.seconds, _MARK.unpack_from(self._mark)
        if self._progress is None or self._progress[0] != at:
            self._progress = at, used, now
        elif used - self._progress[1] > _HANGS or now - self._progress[2] > _IDLE:
            self._deaths[at[0]] += _DEATHS
            self._replace()

    def close(self) -> None:
        """End the helper."""
        if self._helper is not None:
            self._helper.reap()
            self._helper = None
        self._lines.clear()
        self._backlog = 0

    # --- answers ----------------------------------------------------------------------------------------------------------

    def _take(self, values: Sequence[tuple[int, float]], slow: Sequence[int], cut: Sequence[int]) -> Sequence[Value]:
        ms, line = self._lines.popleft()
        self._backlog -= len(line)
        for number in slow:
            self._disable(number)
        for number in cut:
            self.complaints.append(cut_notice(self._names[number]))
        return [(ms, self._names[number], value) for number, value in values]

    def _disable(self, number: int) -> None:
        if self._definitions.pop(number, None) is not None:
            self.complaints.append(disabled_notice(self._names[number]))

    def _replace(self) -> None:
        """Start another helper with the line at which one has died or hangs."""
        if self._helper is not None:
            self._helper.reap()
        at = _MARK.unpack_from(self._mark)[0]
        self._deaths[at] += 1
        self._progress = None
        if self._deaths[at] >= _DEATHS:
            if at >= 0:
                self._disable(at)
            else:
                self._definitions.clear()
                self.complaints.append("metrics are not looked for any more: the process that does it is killed again and again")
        self._helper = self._begin() if self._definitions else None
        if self._helper is None:
            self.close()


def _serve(definitions: Mapping[int, MetricDefinition], mark: mmap.mmap, asking: int, answering: int) -> None:
    """The helper's work: an answer for each line."""
    count = itertools.count()
    matcher = Matcher(definitions, clock=time.thread_time, mark=lambda number: _MARK.pack_into(mark, 0, number, next(count)))
    rest = b""
    while content := os.read(asking, _CHUNK):
        *lines, rest = (rest + content).split(b"\n")
        answers = bytearray()
        for line in lines:
            values = matcher.match(line.decode())
            answers += json.dumps({"values": values, "slow": matcher.disabled, "cut": matcher.cut}).encode() + b"\n"
            if len(answers) > _CHUNK:
                _write(answering, answers)
                answers.clear()
        _MARK.pack_into(mark, 0, -1, next(count))
        _write(answering, answers)


def _write(descriptor: int, content: bytes | bytearray) -> None:
    view = memoryview(bytes(content))
    while view:
        view = view[os.write(descriptor, view) :]
