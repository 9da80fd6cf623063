"""Several hosts of a stand-in: the first trains with the data of all, the others bring theirs and end."""

import json
import os
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from local_emulator.algorithms import contract, gathering
from tests.integration.local_emulator.algorithms.program import start
from tests.integration.local_emulator.algorithms.running import RECORDIO, recordio

HOSTS = ["127.77.77.1", "127.77.77.2", "127.77.77.3"]
ROWS = np.random.default_rng(0).normal(size=(90, 2)) + np.repeat([[0, 0], [9, 9], [0, 9]], 30, axis=0)


def test_without_a_configuration_there_is_one_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "ROOT", tmp_path)
    assert contract.hosts() == (["algo-1"], "algo-1")


def lay_out(root: Path, current: str, parts: Sequence[np.ndarray], distribution: str = "ShardedByS3Key") -> Path:
    """The `/opt/ml` of a host of a k-means job."""
    for folder in ("input/config", "input/data/train", "model", "output/data"):
        (root / folder).mkdir(parents=True)
    for name, content in {
        "hyperparameters": {"k": "3", "feature_dim": "2"},
        "inputdataconfig": {"train": {"ContentType": RECORDIO, "S3DistributionType": distribution}},
        "resourceconfig": {"hosts": HOSTS, "current_host": current},
    }.items():
        (root / "input" / "config" / f"{name}.json").write_text(json.dumps(content))
    for number, part in enumerate(parts):
        (root / "input" / "data" / "train" / f"part-{number}").write_bytes(recordio(part)[1])
    return root


def trained(root: Path, parts: Sequence[Sequence[np.ndarray]], distribution: str) -> tuple[list[int], list[Path]]:
    """The exit codes of all hosts, each with its parts of the data, and their `/opt/ml`."""
    roots = [lay_out(root / host, host, part, distribution) for host, part in zip(HOSTS, parts, strict=True)]
    with ThreadPoolExecutor() as threads:
        codes = [threads.submit(start, "local_emulator.algorithms.kmeans", path, path / "log") for path in roots]
        return [code.result() for code in codes], roots


@pytest.mark.parametrize(
    ("parts", "distribution"),
    [([[ROWS[:30]], [ROWS[30:60], ROWS[60:]], []], "ShardedByS3Key"), ([[ROWS], [ROWS], [ROWS]], "FullyReplicated")],
)
def test_the_first_host_has_the_data_of_all(tmp_path: Path, parts: Sequence[Sequence[np.ndarray]], distribution: str) -> None:
    codes, roots = trained(tmp_path, parts, distribution)
    logs = [(root / "log").read_text() for root in roots]
    assert codes == [0, 0, 0], logs
    assert "90 records of 2 features" in logs[0]
    models = [list((root / "model").iterdir()) for root in roots]
    assert [len(model) for model in models] == [1, 0, 0]
    assert ("brings its part of the data" in logs[1]) == (distribution == "ShardedByS3Key")


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The first of two hosts, of the run `own`."""
    monkeypatch.setattr(contract, "ROOT", lay_out(tmp_path, HOSTS[0], []))
    monkeypatch.setattr(contract, "hosts", lambda: (HOSTS[:2], HOSTS[0]))
    monkeypatch.setenv("SM_EMULATOR_RUN", "own")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    gathering.received.cache_clear()
    yield
    gathering.received.cache_clear()


def brought(run: str, content: bytes) -> bytes:
    return json.dumps({"run": run, "host": HOSTS[1], "files": [["train", "a.json", 4]]}).encode() + b"\n" + content


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize(
    "strange",
    [brought("other", b"xxxx"), b"", b"{\n", b"[1]\n", b"{}\n", b"\xff\n", pytest.param(b"[" * 100_000 + b"\n", id="too deep")],
)
def test_nobody_else_is_heard(strange: bytes) -> None:
    with ThreadPoolExecutor(1) as threads:
        receiving = threads.submit(gathering.received)
        connect(strange)
        connect(brought("own", b"oooo"))
        (path,) = receiving.result(60)["train"]
    assert (path.name, path.read_bytes()) == ("a.json", b"oooo")


@pytest.mark.usefixtures("first")
def test_a_part_that_breaks_off_is_no_data() -> None:
    with ThreadPoolExecutor(1) as threads:
        receiving = threads.submit(gathering.received)
        connect(brought("own", b"o"))
        with pytest.raises(EOFError, match=f"{HOSTS[1]} has ended before"):
            receiving.result(60)


def connect(content: bytes) -> None:
    while True:
        try:
            with socket.create_connection((HOSTS[0], gathering._PORT)) as connection:
                connection.sendall(content)
                return
        except ConnectionRefusedError:
            os.sched_yield()
