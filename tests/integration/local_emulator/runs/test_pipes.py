"""FIFOs are fed for as long as a run's program lives, whatever that does with them."""

import gzip
import json
import os
import signal
import struct
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest

from local_emulator.runs.data.log import read_tail
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.process import ProcessExecutor
from local_emulator.runs.run import Cause, Command, Exit, HostProgram, Pipe, Run, RunState
from tests.conftest import until

START = "import os, sys; data = os.environ['ML'] + '/input/data'\nread = lambda name: open(f'{data}/{name}', 'rb').read()\n"
FILES = {"0": b"first", "1": b"second", "2": b"third"}


@pytest.fixture(scope="module")
def executor() -> Iterator[ProcessExecutor]:
    running = ProcessExecutor(wakeup=None)
    yield running
    running.close()


class Piped:
    """Runs programs whose channels are piped."""

    def __init__(self, executor: ProcessExecutor, root: Path) -> None:
        self.executor = executor
        self.root = root

    def pipe(
        self, content: Mapping[str, bytes], channel: str = "train", items: Sequence[object] = (), **settings: object
    ) -> Pipe:
        folder = self.root / channel
        folder.mkdir()
        for name, body in content.items():
            (folder / name).write_bytes(body)
        listed = self.root / f"{channel}.json"
        listed.write_text(json.dumps(items or [[{"file": name}] for name in content]))
        return Pipe(channel=channel, items=str(listed), folder=str(folder), **settings)  # type: ignore[arg-type] # a test's own

    def start(self, script: str, *pipes: Pipe, others: Sequence[tuple[str, Pipe]] = ()) -> RunFolder:
        """Run a script on `algo-1`, and `others` on a host each."""
        folder = RunFolder(self.root / "runs" / os.urandom(4).hex())
        scripts = [(script, pipes), *((other, (pipe,)) for other, pipe in others)]
        hosts = [
            HostProgram(
                name=f"algo-{number}",
                program=Command(argv=(sys.executable, "-c", START + text)),
                env={"ML": str(folder.host(f"algo-{number}" if others else None).ml)},
                pipes=tuple(piped),
            )
            for number, (text, piped) in enumerate(scripts, 1)
        ]
        for host in hosts:
            (folder.host(host.name if others else None).ml / "input" / "data").mkdir(parents=True)
        first = hosts[0]
        run = Run(
            id=folder.path.name,
            folder=folder.path,
            program=first.program,
            env=first.env,
            pipes=first.pipes,
            hosts=tuple(hosts) if others else (),
            disk_floor=0,
            stop_grace=0.2,
        )
        self.executor.start(run)
        return folder

    def ended(self, folder: RunFolder) -> tuple[Exit, str]:
        """How a run ended and what its first host printed."""
        until(lambda: folder.state() in {RunState.EXITED, RunState.LOST})
        ended = folder.read_exit()
        assert ended is not None
        until(lambda: not holders(folder.work))
        return ended, printed(folder)


@pytest.fixture
def piped(executor: ProcessExecutor, tmp_path: Path) -> Piped:
    return Piped(executor, tmp_path)


def printed(folder: RunFolder) -> str:
    """What the program of the first host printed."""
    return "".join(f"{line.text}\n" for line in read_tail(folder.hosts[0]))


def holders(path: Path) -> list[int]:
    """Processes that have a file open, or something below a folder."""
    holding = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            opened = [str(descriptor.readlink()) for descriptor in (process / "fd").iterdir()]
        except OSError:
            continue
        if any(f"{name}/".startswith(f"{path}/") for name in opened):
            holding.append(int(process.name))
    return holding


def test_every_epoch_has_a_fifo_of_its_own(piped: Piped) -> None:
    script = "for epoch in range(3): print(read(f'train_{epoch}'), sorted(os.listdir(data)))"
    ended, log = piped.ended(piped.start(script, piped.pipe(FILES)))
    assert (ended.cause, ended.code) == (Cause.EXIT, 0)
    for epoch, line in enumerate(log.splitlines()):
        assert line.startswith("b'firstsecondthird'")
        assert f"'train_{epoch + 1}'" in line
        assert "'train_0', 'train_1', 'train_2'" not in line


def test_a_reader_that_closes_early_goes_on_to_the_next_epoch(piped: Piped) -> None:
    script = "file = open(f'{data}/train_0', 'rb', buffering=0); print(file.read(3)); file.close(); print(len(read('train_1')))"
    ended, log = piped.ended(piped.start(script, piped.pipe({"0": b"abc", "1": bytes(1 << 21)})))
    assert (ended.code, log) == (0, "b'abc'\n2097155\n")


def test_several_channels_and_hosts_at_once(piped: Piped) -> None:
    train, test = piped.pipe(FILES, seed=5), piped.pipe({"0": b"test"}, "test")
    script = "test = open(f'{data}/test_0', 'rb'); train = read('train_0'); print(len(train), test.read())"
    second = Pipe(**{**vars(train), "shard": (1, 2)})
    other = "sys.exit(len(read('train_0')) + len(read('train_1')) == 0)"
    ended, log = piped.ended(piped.start(script, train, test, others=[(other, second)]))
    assert (ended.code, log) == (0, "16 b'test'\n")


def test_what_is_never_read_is_no_matter(piped: Piped) -> None:
    ended, log = piped.ended(piped.start("print(sorted(os.listdir(data)))", piped.pipe(FILES)))
    assert (ended.code, log) == (0, "['train_0', 'train_1']\n")


def test_records_are_wrapped_and_decompressed(piped: Piped) -> None:
    items = [[{"file": "0"}, {"text": "größe"}], [{"file": "1"}, {"text": ""}]]
    packed = {"0": gzip.compress(b"12345"), "1": gzip.compress(b"")}
    pipe = piped.pipe(packed, items=items, gzip=True, record_io=True)
    _, log = piped.ended(piped.start("print(read('train_0').hex())", pipe))
    expected = b""
    for content in (b"12345", "größe".encode(), b"", b""):
        expected += struct.pack("<II", 0xCED7230A, len(content)) + content + bytes(-len(content) % 4)
    assert bytes.fromhex(log) == expected


@pytest.mark.parametrize("content", [b"plain", gzip.compress(bytes(99))[:-3]], ids=["plain", "cut off"])
def test_what_is_not_compressed_ends_the_run(piped: Piped, content: bytes) -> None:
    """Even if its reader takes what it got for all there is."""
    script = "print(len(read('train_0'))); sys.exit(0)"
    ended, _ = piped.ended(piped.start(script, piped.pipe({"0": gzip.compress(b"good"), "1": content}, gzip=True)))
    assert ended.cause is Cause.DATA
    assert ended.message.startswith("ClientError: Data download failed:1 is not compressed with gzip: ")


def test_a_fifo_that_cannot_be_fed_does_not_end_before_the_run(piped: Piped) -> None:
    """However late the supervisor looks: here it looks only after the reader has had its time."""
    script = """
import time
print('begun', flush=True)
while not os.path.exists(f'{data}/go'):
    time.sleep(0.01)
open(f'{data}/opened', 'w')
read('train_0')
open(f'{data}/cut', 'w')"""
    folder = piped.start(script, piped.pipe({"0": b"plain"}, gzip=True))
    data = folder.host(None).ml / "input" / "data"
    until(partial(begun, folder))
    (supervisor,) = holders(folder.lock)
    os.kill(supervisor, signal.SIGSTOP)
    try:
        (data / "go").touch()
        until((data / "opened").exists)
        time.sleep(0.5)
        assert not (data / "cut").exists()
    finally:
        os.kill(supervisor, signal.SIGCONT)
    ended, _ = piped.ended(folder)
    assert (ended.cause, (data / "cut").exists()) == (Cause.DATA, False)


def test_what_is_gone_ends_the_run(piped: Piped) -> None:
    pipe = piped.pipe({}, items=[[{"file": "gone"}]])
    ended, _ = piped.ended(piped.start("read('train_0')", pipe))
    assert (ended.cause, "No such file or directory" in ended.message) == (Cause.DATA, True)


def test_nothing_but_a_fifo_is_written_to(piped: Piped, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    script = f"""
import time
while not os.path.lexists(f'{{data}}/train_1'):
    time.sleep(0.01)
os.remove(f'{{data}}/train_1'); os.symlink({str(precious)!r}, f'{{data}}/train_1'); read('train_0'); time.sleep(600)"""
    ended, _ = piped.ended(piped.start(script, piped.pipe(FILES)))
    assert ended.cause is Cause.DATA
    assert precious.read_text() == "mine"


def test_a_folder_in_the_way_is_named(piped: Piped) -> None:
    taken = piped.pipe({"0": b""})
    folder = piped.root / "runs" / "taken"
    (folder.parent.parent / "work" / "taken" / "ml" / "input" / "data" / "train_1").mkdir(parents=True)
    run = Run(id="taken", folder=folder, program=Command(argv=("true",)), pipes=(taken,), disk_floor=0)
    piped.executor.start(run)
    ended = wait(RunFolder(folder))
    assert ended.cause is Cause.DATA
    assert ended.message == "ClientError: Data download failed:Something else lies where the FIFO has to be: train_1"


def wait(folder: RunFolder) -> Exit:
    until(lambda: folder.state() is RunState.EXITED)
    ended = folder.read_exit()
    assert ended is not None
    return ended


@pytest.mark.parametrize("reads", ["pass", "file = open(f'{data}/train_0')"])
def test_a_stop_and_a_kill_leave_nothing(piped: Piped, reads: str) -> None:
    """Whether nobody has opened the FIFO, or somebody has who does not read."""
    pipe = piped.pipe({"0": bytes(1 << 20)})
    script = f"{reads}; print('begun', flush=True); import time; time.sleep(600)"
    stopped, killed = piped.start(script, pipe), piped.start(script, pipe)
    for folder in (stopped, killed):
        until(partial(begun, folder))
        assert holders(folder.work)
    piped.executor.stop(stopped.path)
    (supervisor,) = holders(killed.lock)
    os.kill(supervisor, signal.SIGKILL)
    assert wait(stopped).cause is Cause.STOP
    until(lambda: killed.state() is RunState.LOST)
    for folder in (stopped, killed):
        until(partial(nobody, folder.work))


def begun(folder: RunFolder) -> bool:
    return "begun" in printed(folder)


def nobody(folder: Path) -> bool:
    return not holders(folder)
