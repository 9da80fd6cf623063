"""How fast the API answers with many jobs, beside moto's own server with as many, in one run.

    python benchmarks/api.py [--jobs 10000] [--requests 300] [--moto .venv-bench-moto/bin/moto_server]

The client is a socket that stays open as long as the server lets it: what is measured is the server, and what the kernel needs.
Both servers get the same requests. Moto has no ListTrainingJobsForHyperParameterTuningJob and knows nothing of what a training job
has done; its training jobs are made by CreateTrainingJob. With four clients there are four processes that ask at once.
"""

import argparse
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are no package that is installed

from benchmarks.filling import REGION, fill, request
from local_emulator.state_folder import StateLock
from local_emulator.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[1]
MOTO = ROOT / ".venv-bench-moto"
TUNINGS = 100
_ENOUGH = 100  # requests before the clock starts

Query = tuple[str, Mapping[str, Any]]


class Client:
    """Raw HTTP to one server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def ask(self, operation: str, body: Mapping[str, Any]) -> bytes:
        """The body of an answer; raises RuntimeError if it is no success."""
        content = json.dumps(body).encode()
        head = (
            f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nX-Amz-Target: SageMaker.{operation}\r\n"
            "Content-Type: application/x-amz-json-1.1\r\nAuthorization: AWS4-HMAC-SHA256 "
            f"Credential=test/20260101/{REGION}/sagemaker/aws4_request, SignedHeaders=host, Signature=0\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        return self._exchange(head.encode() + content)

    def health(self) -> None:
        """One request that any HTTP server answers somehow; raises OSError if nobody does."""
        self._exchange(f"GET /_health HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode(), successful=False)

    def _exchange(self, message: bytes, *, successful: bool = True) -> bytes:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(message)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        head = received[:end].lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        while len(received) < end + 4 + length:
            received += self._more()
        if b"connection: close" in head:
            self._socket.close()
            self._socket = None
        if successful and b" 200" not in head[:16]:
            raise RuntimeError(received.decode(errors="replace"))
        return received[end + 4 :]

    def _more(self) -> bytes:
        if self._socket is None or not (more := self._socket.recv(1 << 20)):
            raise ConnectionError("the server closed the connection")
        return more


@dataclass(frozen=True)
class Peer:
    """A server with jobs: where it answers, its process, and how long it took until it answered."""

    port: int
    pid: int
    ready: float


@contextmanager
def served(command: Sequence[str], port: int, log: Path) -> Iterator[Peer]:
    """A server in a process of its own."""
    began = time.perf_counter()
    with log.open("wb") as output, subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output) as process:
        try:
            while True:
                try:
                    Client(port).health()
                    break
                except OSError:
                    if process.poll() is not None:
                        raise RuntimeError(log.read_text()) from None
                    time.sleep(0.005)
            yield Peer(port=port, pid=process.pid, ready=time.perf_counter() - began)
        finally:
            process.terminate()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def fill_moto(port: int, names: Sequence[str], tunings: int) -> None:
    """As many jobs in moto, by its own operations."""
    client = Client(port)
    for number in range(tunings):
        client.ask("CreateHyperParameterTuningJob", request(f"tuning-{number:03d}", len(names) // tunings))
    definition = request("any", 1)["TrainingJobDefinition"]
    common = {name: value for name, value in definition.items() if name != "StaticHyperParameters"}
    for name in names:
        client.ask("CreateTrainingJob", {"TrainingJobName": name, "HyperParameters": {"x": "1"}, **common})


def queries(names: Sequence[str], tunings: int) -> Mapping[str, Sequence[Query]]:
    """What is asked, by the row of the table; each row's queries are asked in turn."""
    some = names[:: max(len(names) // 499, 1)]
    these = [f"tuning-{number:03d}" for number in range(tunings)]
    page = {"MaxResults": 100}
    key = "HyperParameterTuningJobName"
    return {
        "DescribeHyperParameterTuningJob": [("DescribeHyperParameterTuningJob", {key: name}) for name in these],
        "DescribeTrainingJob": [("DescribeTrainingJob", {"TrainingJobName": name}) for name in some],
        "ListHyperParameterTuningJobs, 100": [("ListHyperParameterTuningJobs", page)],
        "ListTrainingJobs, 100": [("ListTrainingJobs", page)],
        "ListTrainingJobsForHyperParameterTuningJob, 100": [
            ("ListTrainingJobsForHyperParameterTuningJob", {key: name, **page}) for name in these
        ],
    }


def times(port: int, asked: Sequence[Query], requests: int) -> list[float]:
    """Seconds that each answer took."""
    client = Client(port)
    seconds = []
    for number in range(-min(_ENOUGH, requests // 3), requests):
        operation, body = asked[number % len(asked)]
        began = time.perf_counter()
        client.ask(operation, body)
        if number >= 0:
            seconds.append(time.perf_counter() - began)
    return seconds


def together(port: int, asked: Sequence[Query], requests: int, clients: int) -> list[float]:
    """The same, of several clients that ask at once, each in a process of its own."""
    if clients == 1:
        return times(port, asked, requests)
    with multiprocessing.get_context("fork").Pool(clients) as pool:
        return list(chain.from_iterable(pool.starmap(times, [(port, asked, requests)] * clients, chunksize=1)))


def shown(seconds: Sequence[float]) -> str:
    """Median and middle half, in milliseconds."""
    low, middle, high = statistics.quantiles(seconds, n=4)
    return f"{middle * 1000:.2f} ({low * 1000:.2f}-{high * 1000:.2f})"


def processor_seconds(pid: int) -> float:
    """What a process and its children have used."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            facts = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if stat.parent.name == str(pid) or facts[1] == str(pid):
            ticks += int(facts[11]) + int(facts[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Megabytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def idle(pid: int, seconds: float) -> float:
    """Per cent of one core that a process takes when nothing happens."""
    before = processor_seconds(pid)
    time.sleep(seconds)
    return 100 * (processor_seconds(pid) - before) / seconds


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--jobs", type=int, default=10_000, help="training jobs, over a hundred tuning jobs (default: %(default)s)"
    )
    parser.add_argument("--requests", type=int, default=300, help="requests of each kind (default: %(default)s)")
    parser.add_argument("--idle", type=float, default=60, help="seconds of idleness to measure (default: %(default)s)")
    parser.add_argument("--moto", default=str(MOTO / "bin" / "moto_server"), help="moto's server; '' leaves it out")
    options = parser.parse_args(argv)
    if options.moto and not Path(options.moto).exists():
        make_moto()
    with tempfile.TemporaryDirectory() as folder:
        state, log = Path(folder) / "state", Path(folder) / "log"
        with StateLock(state):  # an emulator takes no folder that is not its own
            store = SqliteStore(state / "jobs.sqlite")
            names = list(fill(store, TUNINGS, options.jobs // TUNINGS))
            store.close()
        measure(options, names, state, log)


def make_moto() -> None:
    """An environment of its own for moto's server, which its extra fills with sixty distributions."""
    subprocess.run([sys.executable, "-m", "venv", MOTO], check=True)
    pip = [str(MOTO / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "moto[server]>=5.2,<6"], check=True)


def measure(options: argparse.Namespace, names: Sequence[str], state: Path, log: Path) -> None:
    """One server after the other, so that neither takes the other's time; the tables."""
    asked = queries(names, TUNINGS)
    timings: dict[tuple[str, str, int], list[float]] = {}
    facts: dict[str, dict[str, str]] = {}
    commands = {"emulator": [sys.executable, "-m", "local_emulator", "serve", "--state", str(state), "--port"]}
    if options.moto:
        commands["moto_server"] = [options.moto, "-p"]
    for peer, command in commands.items():
        with served([*command, str(port := free_port())], port, log) as server:
            if peer != "emulator":
                fill_moto(port, names, TUNINGS)
            for row, some in asked.items():
                if peer != "emulator" and "ForHyper" in row:
                    continue
                for clients in (1, 4):
                    timings[row, peer, clients] = together(port, some, options.requests, clients)
            time.sleep(3)
            facts[peer] = {
                "ready after, s": f"{server.ready:.2f}",
                "memory after all requests, MB": f"{resident(server.pid):.0f}",
                "idle, % of one core": f"{idle(server.pid, options.idle):.2f}",
            }
    print(f"{len(names):,} training jobs over {TUNINGS} tuning jobs; milliseconds a request: median (middle half)\n")
    print("| | emulator | moto_server | times ahead | emulator, 4 clients | moto_server, 4 clients |")
    print("|---|---|---|---|---|---|")
    for row in asked:
        cells = [
            shown(timings[row, peer, n]) if (row, peer, n) in timings else "-"
            for n in (1, 4)
            for peer in ("emulator", "moto_server")
        ]
        ahead = "-"
        if (row, "moto_server", 1) in timings:
            ahead = f"{statistics.median(timings[row, 'moto_server', 1]) / statistics.median(timings[row, 'emulator', 1]):.1f}"
        print(f"| {row} | {cells[0]} | {cells[1]} | {ahead} | {cells[2]} | {cells[3]} |")
    print("\n| | " + " | ".join(facts) + " |\n|---" * 1 + "|---" * len(facts) + "|")
    for fact in facts["emulator"]:
        print(f"| {fact} | " + " | ".join(answers[fact] for answers in facts.values()) + " |")


if __name__ == "__main__":
    main()
