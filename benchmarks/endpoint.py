"""What a request to a served model takes here, beside gunicorn with the same handler: all in one run.

    python benchmarks/endpoint.py [--requests 1500] [--clients 4]

Both serve scikit-learn's logistic regression on the digits by the default handlers of the scikit-learn image (CSV in, JSON out) with
the same code; only what is between the socket and the handler differs. Each is one process: gunicorn has threads, as only so it keeps
connections. A client asks them by turns over connections that are kept, so that noise hits both alike. Then several clients ask one
server at a time. Access logs go to a file. gunicorn lives in .venv-bench-gunicorn, which `make bench` makes.
"""

import argparse
import http.client
import io
import os
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are no package that is installed

from benchmarks.soak.figures import served

HERE = Path(__file__).parent
ROOT = HERE.parent
GUNICORN = ROOT / ".venv-bench-gunicorn" / "bin" / "python"
OURS, PEER, ENDPOINT = "sm-tuning's program", "gunicorn, 4 threads", "InvokeEndpoint of the emulator"
AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
SCRIPT = """
import json
import numpy as np
class Model:
    def __init__(self, path):
        held = json.loads(open(path).read())
        self.weights, self.bias = np.array(held["weights"]), np.array(held["bias"])
    def predict(self, rows):
        return (rows @ self.weights.T + self.bias).argmax(axis=1)
def model_fn(folder):
    return Model(folder + "/model.json")
"""
KINDS = {"2 records of 64 numbers": 2, "100 records": 100}  # of one record the default handler makes one dimension


class Client:
    """A connection that is kept."""

    def __init__(self, name: str, port: int) -> None:
        self._path = "/endpoints/bench/invocations" if name == ENDPOINT else "/invocations"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, body: bytes) -> float:
        """Seconds until the answer is there."""
        start = time.perf_counter()
        self._connection.request("POST", self._path, body, {"Content-Type": "text/csv", "Authorization": AUTHORIZATION})
        response = self._connection.getresponse()
        response.read()
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"code {response.status}")
        return time.perf_counter() - start


def model(folder: Path) -> Mapping[int, bytes]:
    """Train a model and its script; bodies of so many records each."""
    digits, labels = load_digits(return_X_y=True)
    trained = LogisticRegression(max_iter=500).fit(digits / 16, labels)
    (folder / "model" / "code").mkdir(parents=True)
    weights = f'{{"weights": {trained.coef_.tolist()}, "bias": {trained.intercept_.tolist()}}}'
    (folder / "model" / "model.json").write_text(weights)
    (folder / "model" / "code" / "inference.py").write_text(SCRIPT)
    rows = [",".join(map(str, row)) for row in (digits / 16).tolist()]
    return {count: "\n".join(rows[:count]).encode() for count in KINDS.values()}


@contextmanager
def server(name: str, folder: Path) -> Iterator[int]:
    """A server that answers /ping; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    if name == OURS:
        command = [sys.executable, str(ROOT / "local_emulator" / "inference" / "start.py"), "scikit-learn"]
    else:
        words = ["--workers", "1", "--threads", "4", "--keep-alive", "60", "--access-logfile", "-", "--log-level", "error"]
        command = [str(GUNICORN), "-m", "gunicorn", *words, "--bind", f"127.0.0.1:{port}", "--chdir", str(HERE / "peers")]
        command.append("with_gunicorn:application")
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "CODE": str(folder / "model" / "code"),
        "SAGEMAKER_BASE_DIR": str(folder),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_PROGRAM": "inference.py",
    }
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait(process, port, folder / "log")
        yield port
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def emulator(folder: Path) -> Iterator[int]:
    """An emulator whose endpoint `bench` serves the same model; its port."""
    with served(folder / "state") as emulated:
        s3, sagemaker = emulated.client("s3"), emulated.client("sagemaker")
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as tar:
            tar.add(folder / "model", arcname=".")
        s3.create_bucket(Bucket="bench")
        s3.put_object(Bucket="bench", Key="model.tar.gz", Body=archive.getvalue())
        container = {
            "Image": IMAGE,
            "ModelDataUrl": "s3://bench/model.tar.gz",
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
        }
        sagemaker.create_model(ModelName="bench", PrimaryContainer=container)
        variant = {"VariantName": "v", "ModelName": "bench", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName="bench", ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName="bench", EndpointConfigName="bench")
        while sagemaker.describe_endpoint(EndpointName="bench")["EndpointStatus"] == "Creating":
            time.sleep(0.1)
        yield emulated.port


def wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until a server answers."""
    while process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/ping")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"The server has ended:\n{log.read_text()}")


def latencies(ports: Mapping[str, int], body: bytes, requests: int) -> Mapping[str, list[float]]:
    """Seconds of each request, the servers asked by turns."""
    clients = {name: Client(name, port) for name, port in ports.items()}
    seconds: dict[str, list[float]] = {name: [] for name in ports}
    for number in range(requests):
        for name in sorted(clients, reverse=number % 2 == 1):
            seconds[name].append(clients[name].ask(body))
    return {name: values[requests // 10 :] for name, values in seconds.items()}


def throughput(name: str, port: int, body: bytes, requests: int, clients: int) -> float:
    """Requests per second of several clients."""

    def ask(count: int) -> None:
        client = Client(name, port)
        for _ in range(count):
            client.ask(body)

    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, [requests // clients] * clients))
    return requests / (time.perf_counter() - start)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1500)
    parser.add_argument("--clients", type=int, default=4)
    options = parser.parse_args()
    if not GUNICORN.exists():
        sys.exit("gunicorn is not installed: make .venv-bench-gunicorn/.ready")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bodies = model(folder)
        ports = {name: stack.enter_context(server(name, folder)) for name in (OURS, PEER)}
        ports[ENDPOINT] = stack.enter_context(emulator(folder))
        print(f"| body | server | median, ms | 99 % below, ms | ratio of the medians | requests/s of {options.clients} clients |")
        print("|---|---|---|---|---|---|")
        for kind, count in KINDS.items():
            seconds = latencies(ports, bodies[count], options.requests)
            medians = {name: statistics.median(values) for name, values in seconds.items()}
            for name, values in seconds.items():
                high = statistics.quantiles(values, n=100)[98]
                rate = throughput(name, ports[name], bodies[count], options.requests, options.clients)
                ratio = medians[name] / medians[PEER]
                print(f"| {kind} | {name} | {medians[name] * 1e3:.2f} | {high * 1e3:.2f} | {ratio:.2f} | {rate:.0f} |")


if __name__ == "__main__":
    main()
