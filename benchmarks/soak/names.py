"""R17: a hundred clients that create, describe, list and stop tuning jobs of the same names at the same time.

    python benchmarks/soak/names.py [--clients 100] [--operations 50]

Half of each client's operations are creations, each of another name. Of every name exactly one may succeed.
"""

import argparse
import http.client
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from benchmarks.soak.figures import Figures, folder, percentile, served
from tests.conftest import Server, tuning_request

HEADERS = {
    "Content-Type": "application/x-amz-json-1.1",
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0",
}
EXPECTED = {
    "CreateHyperParameterTuningJob": {"ok", "ResourceInUse"},
    "DescribeHyperParameterTuningJob": {"ok", "ResourceNotFound"},
    "ListHyperParameterTuningJobs": {"ok"},
    "StopHyperParameterTuningJob": {"ok", "ResourceNotFound", "ValidationException"},  # the last: it has ended, or is stopping
}
OTHERS = tuple(EXPECTED)[1:]


class Client:
    """One connection, and how what was asked over it was answered."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self.seconds: list[float] = []

    def ask(self, operation: str, body: Any) -> tuple[str, Any]:  # noqa: ANN401 - JSON
        """`ok` or the code of the error, and the answer."""
        began = time.perf_counter()
        self._connection.request("POST", "/", json.dumps(body), {**HEADERS, "X-Amz-Target": f"SageMaker.{operation}"})
        with self._connection.getresponse() as response:
            answer = json.loads(response.read() or b"{}")
        self.seconds.append(time.perf_counter() - began)
        return ("ok" if response.status == 200 else str(answer["__type"])), answer


class Crowd:
    """All clients, and the codes they got, by operation and name."""

    def __init__(self, server: Server, source: str, clients: int, operations: int) -> None:
        self._server, self._source = server, source
        self._operations = operations
        self.names = [f"name-{number}" for number in range(operations // 2)]
        self.codes: Counter[tuple[str, str, str]] = Counter()
        self.seconds: list[float] = []
        self.faults: list[str] = []
        self._lock = threading.Lock()
        self._together = threading.Barrier(clients)
        self._threads = [threading.Thread(target=self._work, args=(number,), daemon=True) for number in range(clients)]

    def run(self, within: float) -> int:
        """Let all of them work; how many have not ended after so many seconds."""
        for thread in self._threads:
            thread.start()
        deadline = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.0))
        return sum(thread.is_alive() for thread in self._threads)

    def _work(self, number: int) -> None:
        rng, client = random.Random(number), Client(self._server.port)  # noqa: S311 - not for secrets
        work = [("CreateHyperParameterTuningJob", name) for name in self.names]
        work += [(rng.choice(OTHERS), rng.choice(self.names)) for _ in range(self._operations - len(work))]
        rng.shuffle(work)
        self._together.wait()
        for operation, name in work:
            try:
                code, _ = client.ask(operation, self._body(operation, name))
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                code = repr(error)
                client = Client(self._server.port)
            with self._lock:
                self.codes[operation, name, code] += 1
                if code not in EXPECTED[operation]:
                    self.faults.append(f"{operation} {name}: {code}")
        with self._lock:
            self.seconds += client.seconds

    def _body(self, operation: str, name: str) -> dict[str, Any]:
        if operation.startswith("Create"):
            return tuning_request(name, self._source, bucket="names", jobs=2)
        return {"MaxResults": 100} if operation.startswith("List") else {"HyperParameterTuningJobName": name}


def ended(server: Server, names: Sequence[str]) -> Counter[str]:
    """The states of tuning jobs, once none goes on; `lost` for one that is not there."""
    client, deadline = Client(server.port), time.monotonic() + 300
    while True:
        states: Counter[str] = Counter()
        for name in names:
            code, job = client.ask("DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": name})
            states[job["HyperParameterTuningJobStatus"] if code == "ok" else "lost"] += 1
        if not states.keys() & {"InProgress", "Stopping"} or time.monotonic() > deadline:
            return states
        time.sleep(0.2)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--operations", type=int, default=50, help="of each client (default: %(default)s)")
    options = parser.parse_args(argv)
    figures = Figures()
    with folder() as path, served(path / "state", "--stop-grace", "2") as server:
        source = server.upload_source("names", "print('score=1')")
        crowd = Crowd(server, source, options.clients, options.operations)
        hanging = crowd.run(within=300)
        states = ended(server, crowd.names)
        _, listed = Client(server.port).ask("ListHyperParameterTuningJobs", {"MaxResults": 100})
    create = "CreateHyperParameterTuningJob"
    wrong = [name for name in crowd.names if crowd.codes[create, name, "ok"] != 1]
    wrong += [name for name in crowd.names if crowd.codes[create, name, "ResourceInUse"] != options.clients - 1]
    figures.exactly("operations answered", crowd.codes.total(), options.clients * options.operations)
    figures.none("names that were not created once and refused to all others with ResourceInUse", wrong)
    figures.none("answers that none of these operations may give", crowd.faults)
    figures.exactly("clients that wait for an answer after 300 s", hanging, 0)
    figures.exactly("tuning jobs listed", len(listed["HyperParameterTuningJobSummaries"]), len(crowd.names))
    figures.exactly("of these ended as Completed or Stopped", states["Completed"] + states["Stopped"], len(crowd.names))
    figures.note(f"milliseconds an answer with {options.clients} clients at once, 99 %", 1000 * percentile(crowd.seconds, 0.99))
    return figures.print()


if __name__ == "__main__":
    sys.exit(main())
