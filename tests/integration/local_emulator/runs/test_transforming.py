"""The program of a transform job by itself: requests are repeated, the server ends with it."""

import gzip
import json
import sys
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Command, HostProgram, Run
from local_emulator.runs.transforming.__main__ import main
from local_emulator.runs.transforming.plan import TransformPlan

# Fails as often as its argument says, then answers what it gets: without a ContentType no such header.
SERVER = """
import http.server, os, sys

left = int(sys.argv[1])

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = os.environ.get("PARAMETERS", "") if self.path == "/execution-parameters" else None
        self.send_response(404 if said == "" else 200)
        self.end_headers()
        self.wfile.write((said or "").encode())

    def do_POST(self):
        global left
        left -= 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503 if left >= 0 else 200)
        self.end_headers()
        self.wfile.write(body + b" of type " + str(self.headers["Content-Type"]).encode())

open(sys.argv[2], "w").write(str(os.getpid()))
http.server.HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


def made_plan(
    folder: Path,
    files: Mapping[str, bytes],
    failures: int = 0,
    parameters: str | None = None,
    servers: Sequence[tuple[str, ...]] | None = None,
    **members: Any,
) -> TransformPlan:
    for name in ("in", "out"):
        (folder / name).mkdir()
    for name, content in files.items():
        (folder / "in" / name).write_bytes(content)
    places: Any = {name: str(folder / name) for name in ("log", "reason")}
    env = {} if parameters is None else {"PARAMETERS": parameters}
    commands = servers or [(sys.executable, "-c", SERVER, str(failures), str(folder / "pid"))]
    programs = [
        HostProgram(name=f"server-{number}", program=Command(argv=argv, cwd=str(folder)), env=env)
        for number, argv in enumerate(commands, 1)
    ]
    run = Run(id="run", folder=folder / "runs" / "run", program=Command(argv=("client",)), servers=tuple(programs))
    RunFolder(run.folder).save_run(run)
    for server in programs:
        RunFolder(run.folder).host(server.name).make()
    plan = TransformPlan(
        folder=str(run.folder),
        containers=tuple(f"container-{number}" for number in range(1, len(commands) + 1)),
        input=str(folder / "in"),
        output=str(folder / "out"),
        location="bucket/prefix/",
        **places,
        **members,
    )
    plan.write(folder / "plan")
    return plan


def answers(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (folder / "out").glob("*.out")}


def lines(folder: Path) -> list[str]:
    return [str(json.loads(line)[1]) for line in (folder / "log").read_text().splitlines()]


def last_line(folder: Path) -> str:
    return lines(folder)[-1]


@pytest.mark.parametrize("parameters", ["3", "{", pytest.param("[" * 100_000, id="too deep"), '{"MaxPayloadInMB": "6"}'])
def test_parameters_that_cannot_be_are_told_and_left_out(tmp_path: Path, parameters: str) -> None:
    made_plan(tmp_path, {"a": b"content"}, parameters=parameters)
    assert main(tmp_path / "plan") == 0
    left_out, used = lines(tmp_path)
    assert "The answer to /execution-parameters is left out: " in left_out
    assert used.endswith("MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD")


@pytest.mark.parametrize(
    ("failures", "retries", "reason"),
    [(2, 2, None), (2, 1, "AlgorithmError: See job logs for more information")],
)
def test_requests_are_repeated(tmp_path: Path, failures: int, retries: int, reason: str | None) -> None:
    made_plan(tmp_path, {"a": b"content"}, failures, retries=retries)
    assert main(tmp_path / "plan") == (0 if reason is None else 1)
    assert answers(tmp_path) == ({"a.out": "content of type None"} if reason is None else {})
    assert (tmp_path / "reason").exists() is (reason is not None)
    if reason is not None:
        assert (tmp_path / "reason").read_text() == reason
        assert "bucket/prefix/a: Bad HTTP status received from algorithm: 503" in last_line(tmp_path)
    assert not Path("/proc", (tmp_path / "pid").read_text()).exists(), "the server has ended"


def test_a_file_that_is_no_gzip_costs_none_of_the_others(tmp_path: Path) -> None:
    whole = gzip.compress(b"content")
    broken = whole[:10] + b"\xff" * 8 + whole[18:]  # a header of gzip, and then no deflated data
    made_plan(tmp_path, {"a": broken, "b": whole}, gzip=True)
    assert main(tmp_path / "plan") == 1
    assert answers(tmp_path) == {"b.out": "content of type None"}
    assert (tmp_path / "reason").read_text() == "ClientError: See job logs for more information"
    assert "bucket/prefix/a: cannot be decompressed: " in last_line(tmp_path)


@pytest.mark.parametrize(("name", "why"), [("n" * 253, "File name too long"), ("b", "Is a directory")])
def test_an_answer_that_no_file_can_keep_costs_none_of_the_others(tmp_path: Path, name: str, why: str) -> None:
    made_plan(tmp_path, {"a": b"content", name: b"content"})
    (tmp_path / "out" / "b.out").mkdir()
    assert main(tmp_path / "plan") == 1
    assert list((tmp_path / "out").glob("*.out/*")) == []
    assert (tmp_path / "out" / "a.out").read_text() == "content of type None"
    assert last_line(tmp_path).endswith(f"bucket/prefix/{name}: its answer cannot be kept: {why}")


def test_of_a_large_file_only_what_is_asked_now_is_in_memory(tmp_path: Path) -> None:
    """A quarter of a gigabyte of zeros, in a file of a megabyte."""
    with gzip.open(tmp_path / "zeros", "wb", 1) as file:
        for _ in range(256):
            file.write(b"\0" * 2**20)
    made_plan(tmp_path, {"a": (tmp_path / "zeros").read_bytes()}, gzip=True)
    tracemalloc.start()
    try:
        assert main(tmp_path / "plan") == 1
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()
    assert (tmp_path / "reason").read_text() == "ClientError: Too much data for max payload size"


def test_an_answer_that_cannot_be_joined_is_told(tmp_path: Path) -> None:
    made_plan(tmp_path, {"a": b'{"x": 1}'}, join=True, content_type="application/json")
    assert main(tmp_path / "plan") == 1
    assert answers(tmp_path) == {}
    assert (tmp_path / "reason").read_text().startswith("ClientError: Unable to parse data as application/json: ")


def test_an_answer_that_is_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_emulator.runs.transforming.__main__._LARGEST_ANSWER", 3)
    made_plan(tmp_path, {"a": b"content"})
    assert main(tmp_path / "plan") == 1
    assert answers(tmp_path) == {}
    assert last_line(tmp_path).endswith("bucket/prefix/a: The model server's answer has more than 3 bytes")


def test_a_server_that_cannot_be_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_plan(tmp_path, {"a": b"content"}, servers=[(str(tmp_path / "missing"),)])
    assert main(tmp_path / "plan") == 1
    assert "missing: No such file or directory" in capsys.readouterr().err


LOSES_ITS_ENGINE = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        fail()
def fail():
    open(sys.argv[2], "w").write(sys.argv[3])
    os._exit(125)
if sys.argv[1] == "at once":
    fail()
http.server.HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@pytest.mark.parametrize("when", ["at once", "asked"])
def test_a_container_that_cannot_be_run_says_why(tmp_path: Path, when: str) -> None:
    reason = "ClientError: The image mine is not on this machine and cannot be pulled: no such image"
    error = RunFolder(tmp_path / "runs" / "run").host("server-1").container_error
    arguments = when, str(error), json.dumps({"cause": "start", "message": reason})
    made_plan(tmp_path, {"a": b"content"}, servers=[(sys.executable, "-c", LOSES_ITS_ENGINE, *arguments)])
    assert main(tmp_path / "plan") == 1
    assert (tmp_path / "reason").read_text() == reason
    assert last_line(tmp_path).endswith(reason)


def test_each_container_answers_what_the_one_before_has_answered(tmp_path: Path) -> None:
    servers = [(sys.executable, "-c", SERVER, str(failures), str(tmp_path / f"pid{failures}")) for failures in (0, 1)]
    made_plan(tmp_path, {"a": b"content"}, servers=servers, content_type="text/csv")
    assert main(tmp_path / "plan") == 0
    # The second fails once; then all are asked again. It gets no type, as the first answers without.
    assert answers(tmp_path) == {"a.out": "content of type text/csv of type None"}
    assert not any(Path("/proc", path.read_text()).exists() for path in tmp_path.glob("pid*"))


def test_a_container_that_fails_is_named(tmp_path: Path) -> None:
    servers = [(sys.executable, "-c", SERVER, str(failures), str(tmp_path / f"pid{failures}")) for failures in (0, 9)]
    made_plan(tmp_path, {"a": b"content"}, servers=servers, retries=0)
    assert main(tmp_path / "plan") == 1
    assert "bucket/prefix/a: Bad HTTP status received from container-2: 503" in last_line(tmp_path)


def test_answers_that_cannot_be_kept_are_no_fault_of_the_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_plan(tmp_path, {"a": b"content"})
    (tmp_path / "out.unfinished").mkdir()
    assert main(tmp_path / "plan") == 1
    assert (tmp_path / "reason").read_text() == "AlgorithmError: See job logs for more information"
    assert capsys.readouterr().err.splitlines()[-1].startswith("[Errno 21] Is a directory: ")
