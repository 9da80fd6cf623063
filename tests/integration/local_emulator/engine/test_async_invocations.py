"""Queued invocations are answered, once their endpoint serves."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from local_emulator.domain.endpoint import EndpointStatus, Instance
from local_emulator.domain.invocation import QueuedInvocation
from local_emulator.domain.names import ENDPOINT_INVOCATION
from local_emulator.domain.objects import NoSuchKey, ObjectInfo
from local_emulator.engine.async_invocations import AsyncInvocationMover
from local_emulator.engine.faults import FaultLog
from local_emulator.store.sqlite import SqliteStore
from tests.conftest import until
from tests.made_endpoints import deployment, endpoint, variant
from tests.made_jobs import NOW, SCOPE
from tests.serving_programs import Response, serving

TOKEN = "ab" * 16


class World:
    """S3 as a dictionary, and a mover."""

    def __init__(self, folder: Path) -> None:
        self.objects = {"s3://bucket/in": b"[1]"}
        self.now = NOW
        self.store = SqliteStore(None)
        self.mover = AsyncInvocationMover(
            store=self.store, objects=self, folder=folder, now=lambda: self.now, notify=lambda: None, log=FaultLog(print)
        )

    def list(self, bucket: str, prefix: str) -> list[ObjectInfo]:
        raise AssertionError(bucket, prefix)

    def download(self, bucket: str, key: str, target: Path) -> None:
        if f"s3://{bucket}/{key}" not in self.objects:
            raise NoSuchKey(key)
        target.write_bytes(self.objects[f"s3://{bucket}/{key}"])

    def upload(self, bucket: str, key: str, source: Path) -> None:
        self.objects[f"s3://{bucket}/{key}"] = source.read_bytes()

    def serve(self, port: int) -> None:
        chosen = deployment(variant("v", Instance(run="r", ports=(port,), healthy=True)))
        self.store.endpoints.add(endpoint(status=EndpointStatus.IN_SERVICE, serving=chosen))

    def queue(
        self, location: str | None = "s3://bucket/in", body: str | None = None, name: str = TOKEN, seconds: float = 0.5
    ) -> None:
        made = QueuedInvocation(
            name=name,
            arn=SCOPE.arn(ENDPOINT_INVOCATION, name),
            request={},
            created=NOW,
            modified=NOW,
            endpoint="endpoint",
            headers=(("content-type", "a/b"),),
            location=location,
            body=body,
            output="s3://bucket/out",
            failure="s3://bucket/bad",
            seconds=seconds,
            ttl=60,
        )
        self.store.invocations.add(made)

    def answered(self) -> dict[str, bytes]:
        until(lambda: self.mover.step() is None, pause=0.005)
        return {uri: content for uri, content in self.objects.items() if uri != "s3://bucket/in"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.mover.close()
    made.store.close()


def test_answers_go_to_s3(world: World) -> None:
    with serving(lambda path, headers, body: Response(f"{path} {headers['content-type']} {body.decode()}".encode())) as program:
        world.serve(program.port)
        world.queue()
        assert world.answered() == {"s3://bucket/out": b"/invocations a/b [1]"}
        world.queue(None, "WzJd")
        assert world.answered() == {"s3://bucket/out": b"/invocations a/b [2]"}


def dripping() -> Iterator[bytes]:
    while True:
        yield b"."
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("response", "failure"),
    [
        (Response(b"broken", 500), b"broken"),
        (Response(status=None), b"The container ended before it had answered."),
        (Response(dripping()), b"Your invocation timed out"),
    ],
)
def test_failures_go_to_s3(world: World, response: Response, failure: bytes) -> None:
    with serving(lambda *_: response) as program:
        world.serve(program.port)
        world.queue()
        answered = world.answered()
    assert answered.keys() == {"s3://bucket/bad"}
    assert answered["s3://bucket/bad"].startswith(failure)


def test_an_input_that_is_not_there(world: World) -> None:
    world.serve(1)
    world.queue("s3://bucket/gone")
    assert world.answered()["s3://bucket/bad"].startswith(b"Failed to read the input s3://bucket/gone")


@pytest.mark.parametrize("change", [lambda world: world.store.clear(), None])
def test_an_invocation_waits_for_its_endpoint_until_it_expires(world: World, change: Callable[[World], None] | None) -> None:
    made = endpoint()
    world.store.endpoints.add(made)
    world.queue()
    assert world.mover.step() is not None
    assert world.store.invocations.active()
    if change is None:
        world.now += timedelta(seconds=61)
        assert b"expired" in world.answered()["s3://bucket/bad"]
        return
    world.store.endpoints.put(replace(made, status=EndpointStatus.FAILED))
    world.store.endpoints.delete(made.arn)
    assert b"its endpoint was deleted" in world.answered()["s3://bucket/bad"]


def test_one_that_cannot_be_read_is_failed_and_not_tried_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_emulator.engine.faults._PAUSE", 0.0)
    world.queue()
    world.store.change("UPDATE invocations SET body = '{'")
    world.store.invocations.forget()
    assert world.answered() == {}
    statuses = world.store.rows("SELECT status FROM invocations")
    assert statuses == [("Failed",)]


def test_after_a_reset_nothing_that_waited_is_sent(world: World) -> None:
    asked, release = list[bytes](), threading.Event()

    def answer(_path: str, _headers: object, body: bytes) -> Response:
        asked.append(body)
        release.wait(60)
        return Response(b"late")

    with serving(answer) as program:
        world.serve(program.port)
        for number in range(6):
            world.queue(None, base64.b64encode(b"%d" % number).decode(), name=f"{number:032x}", seconds=60.0)
        world.mover.step()
        until(lambda: len(asked) == 4)
        world.store.clear()
        world.mover.reset()
        release.set()
        world.serve(program.port)
        world.queue(None, base64.b64encode(b"next").decode())
        assert world.answered() == {"s3://bucket/out": b"late"}
    assert sorted(asked) == [b"0", b"1", b"2", b"3", b"next"]
