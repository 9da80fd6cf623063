"""What only containers have: an engine that may be away, images, networks."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from local_emulator.runs import docker_container
from local_emulator.runs.data.log import read_tail
from local_emulator.runs.folder import RunFolder, read_metrics
from local_emulator.runs.run import Cause, Command, Container, Exit, HostProgram, Run
from tests.conftest import BASE_IMAGE, Engine, until
from tests.contracts.executors import METRICS, Containers


class OneContainer(Containers):
    """Runs a container, whatever its image."""

    def begin(self, container: Container) -> RunFolder:
        folder = self.new_folder()
        (folder.ml / "model").mkdir(parents=True)
        self.executor.start(Run(id=folder.path.name, folder=folder.path, program=container, metrics=METRICS, disk_floor=0))
        return folder

    def end_of(self, container: Container) -> Exit:
        return self.ended(self.begin(container))


@pytest.fixture
def kind(tmp_path: Path) -> Iterator[OneContainer]:
    kind = OneContainer(tmp_path)
    yield kind
    kind.executor.close()


def test_an_image_that_is_nowhere_fails_its_job_alone(docker: Engine, kind: OneContainer) -> None:
    end = kind.end_of(Container(image="localhost:1/no/such:image"))
    assert end.cause is Cause.START
    assert end.message.startswith(
        "ClientError: The image localhost:1/no/such:image is not on this machine and cannot be pulled: "
    )


def test_without_an_engine(kind: OneContainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    end = kind.end_of(Container(image=BASE_IMAGE))
    assert end.cause is Cause.ENGINE
    assert end.message.startswith("InternalServerError: We encountered an internal error. Please try again. (")


def test_the_engine_dies_and_comes_back(docker: Engine, kind: OneContainer) -> None:
    folder = kind.begin(Container(image=BASE_IMAGE, argv=("python3", "-uc", "print('x=1')\nimport time; time.sleep(600)")))
    until(lambda: read_metrics(folder, 0)[0])
    docker.kill()
    end = kind.ended(folder)
    assert end.cause is Cause.ENGINE
    assert end.message.startswith("InternalServerError: ")
    docker.start()
    # The next run clears away what the engine could not be told.
    assert kind.end_of(Container(image=BASE_IMAGE, argv=("true",))).code == 0
    assert kind.left(folder.path.name) == []


@pytest.mark.skipif(os.getuid() != 0, reason="a file of root's can be made by root alone")
def test_what_root_has_written_in_any_container_is_handed_over_by_its_own_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transform job's own program is none in a container, and containers of one model have images of their own."""
    folder = RunFolder(tmp_path / "runs" / "run")
    program = Command(argv=("true",))
    servers = tuple(HostProgram(name=f"server-{image}", program=Container(image=image)) for image in "12")
    for server in servers:
        host = folder.host(server.name)
        host.make()
        host.ml.mkdir()
        (host.ml / "file").touch()
        host.container.write_text(server.name)
    folder.save_run(Run(id="run", folder=folder.path, program=program, servers=servers, disk_floor=0))
    removed, ran = [], []
    api = SimpleNamespace(remove_container=lambda name, **_: removed.append(name))
    containers = SimpleNamespace(run=lambda image, entrypoint, **_: ran.append((image, entrypoint[0])))
    monkeypatch.setattr(docker_container, "_engine", lambda: SimpleNamespace(api=api, containers=containers))
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    for server in servers:
        docker_container.remove(folder, server.name)
    assert removed == ["server-1", "server-2"]
    assert ran == [("1", "chown"), ("2", "chown")]


@pytest.mark.parametrize("network", [True, False])
def test_the_network_is_this_machines_or_none(docker: Engine, kind: OneContainer, *, network: bool) -> None:
    folder = kind.begin(Container(image=BASE_IMAGE, argv=("ls", "/sys/class/net"), network=network))
    assert kind.ended(folder).code == 0
    seen = {line.text for line in read_tail(folder)} - {""}
    assert seen == ({interface.name for interface in Path("/sys/class/net").iterdir()} if network else {"lo"})


LISTEN = """
import socket
server = socket.create_server(("algo-1", 7777))
print("x=" + server.accept()[0].recv(9).decode(), socket.gethostname())
"""
SPEAK = """
import socket, time
while True:
    try:
        socket.create_connection(("algo-1", 7777)).send(b"7")
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
"""


def test_containers_of_several_hosts_find_one_another(docker: Engine, kind: OneContainer) -> None:
    folder = kind.new_folder()
    programs = [Container(image=BASE_IMAGE, argv=("python3", "-uc", script)) for script in (LISTEN, SPEAK)]
    hosts = tuple(HostProgram(name=f"algo-{number}", program=program) for number, program in enumerate(programs, 1))
    for host in hosts:
        (folder.host(host.name).ml / "model").mkdir(parents=True)
    run = Run(id=folder.path.name, folder=folder.path, program=programs[0], hosts=hosts, metrics=METRICS, disk_floor=0)
    kind.executor.start(run)
    assert kind.ended(folder).code == 0, [read_tail(folder.host(host.name)) for host in hosts]
    assert [line.text for line in read_tail(folder.host("algo-1")) if line.text] == ["x=7 algo-1"]
    assert [value.value for value in read_metrics(folder, 0)[0]] == [7.0]
    assert kind.left(folder.path.name) == []
