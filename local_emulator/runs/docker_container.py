"""One run in a container of Docker Engine, through the Docker SDK, which is an extra."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import docker
import requests

from local_emulator.domain.errors import INTERNAL_ERROR
from local_emulator.domain.spec import Host
from local_emulator.runs.docker_network import ContainerError, ServingNetwork
from local_emulator.runs.folder import RunFolder, write_whole
from local_emulator.runs.forkserver.server.mounting import etc_of
from local_emulator.runs.host_folder import HostFolder
from local_emulator.runs.mounts import Access, laid
from local_emulator.runs.run import Cause, Container, Run, RunState

_LABEL = "sm-tuning.folder"  # of the run
_SHARED_MEMORY = 0.5  # of the machine's; PyTorch's workers pass their batches through it
_STOPPED = 128 + signal.SIGTERM
_ALONE = Host().name  # of the only host of a run


def _engine() -> Any:  # noqa: ANN401 - the package has no types
    """A client of the engine; raises ContainerError."""
    try:
        return docker.from_env(timeout=60)
    except docker.errors.DockerException as error:
        raise ContainerError(Cause.ENGINE, f"{INTERNAL_ERROR} (no Docker engine answers: {error})") from error


@contextlib.contextmanager
def _engine_errors(doing: str) -> Iterator[None]:
    """Turn errors of the engine or its connection into ContainerError, with a FailureReason."""
    try:
        yield
    except docker.errors.APIError as error:
        if error.is_client_error():  # the engine answers so where the image has no such program: its user's business
            raise ContainerError(Cause.START, f"ClientError: The container cannot be started: {error.explanation}") from error
        raise ContainerError(Cause.ENGINE, f"{INTERNAL_ERROR} (Docker engine, {doing}: {error.explanation})") from error
    except (requests.RequestException, docker.errors.DockerException, OSError) as error:
        raise ContainerError(Cause.ENGINE, f"{INTERNAL_ERROR} (the Docker engine went away, {doing}: {error})") from error


class ContainerRun:
    """One container, from its creation to its removal."""

    def __init__(self, folder: RunFolder, run: Run, program: Container) -> None:
        self.folder = folder
        self.host = folder.host(run.host)
        self.run_ = run
        self.program = program
        self.container: Any = None
        self.started = False

    def run(self) -> int:
        """Run it; its exit code."""
        signal.signal(signal.SIGTERM, self._forward_sigterm)
        engine = _engine()
        with _engine_errors("looking for what is left of others"):
            _sweep(engine, self.folder.path.parent)
        with _engine_errors("making the container"):
            self._create(engine)
            output = self.container.attach(stream=True, stdout=True, stderr=True)  # before the start: nothing is missed
        with _engine_errors("starting the container"):
            self.container.start()
            if (network := self._network()) is not None:
                network.connect(self.container)
        self.started = True
        with _engine_errors("running the container"):
            for chunk in output:
                _write(chunk)
            code: int = self.container.wait(timeout=None)["StatusCode"]
        remove(self.folder, self.run_.host)
        return code

    def _forward_sigterm(self, _signal: int, _frame: FrameType | None) -> None:
        if not self.started:
            raise SystemExit(_STOPPED)
        # Not from here: the signal may have come amid a request, whose locks this thread holds.
        threading.Thread(target=self._terminate, daemon=True).start()

    def _terminate(self) -> None:
        with contextlib.suppress(docker.errors.DockerException, requests.RequestException, OSError):  # it may just have ended
            self.container.kill(signal="SIGTERM")

    def _create(self, engine: Any) -> None:  # noqa: ANN401 - the package has no types
        name = "-".join(["sm-tuning", self.run_.id, *([self.run_.host] if self.run_.host else [])])
        image = self.program.image
        try:
            engine.images.get(image)
        except docker.errors.ImageNotFound:
            try:
                engine.images.pull(image)
            except docker.errors.APIError as error:
                message = f"ClientError: The image {image} is not on this machine and cannot be pulled: {error.explanation}"
                raise ContainerError(Cause.START, message) from error
        write_whole(self.host.container, name.encode())
        info, network = engine.info(), self._network()
        gpus = [docker.types.DeviceRequest(count=-1, capabilities=[["gpu"]])] if "nvidia" in info.get("Runtimes", {}) else []
        self.container = engine.containers.create(
            image,
            command=list(self.program.argv),
            **({"entrypoint": list(self.program.entrypoint)} if self.program.entrypoint else {}),
            name=name,
            hostname=self.run_.host or _ALONE,
            extra_hosts=None if self.run_.host else {_ALONE: "127.0.0.1"},
            environment=self.run_.env if network is None else network.environment(self.run_.env),
            mounts=self._mounts(),
            **(network.options(engine) if network else {"network_mode": "host" if self.program.network else "none"}),
            labels={_LABEL: str(self.folder.path)},
            log_config=docker.types.LogConfig(type="none"),  # the log is the supervisor's, with its limits
            ulimits=[
                docker.types.Ulimit(name="core", soft=0, hard=0),
                docker.types.Ulimit(name="fsize", soft=self.run_.disk_limit, hard=self.run_.disk_limit),
            ],
            shm_size=int(info.get("MemTotal", 2**31) * _SHARED_MEMORY),
            device_requests=gpus,
        )

    def _network(self) -> ServingNetwork | None:
        """The network of a program that serves on the port that its run has named; None for any other."""
        port = self.host.read_port()
        return None if port is None else ServingNetwork(port, self.run_.env, internet=self.program.network)

    def _mounts(self) -> list[Any]:
        mounts = {"/opt/ml": self.host.ml}
        hosts = Path(etc_of(str(self.host.ml)), "hosts")
        if self.run_.host and hosts.exists():  # Docker would write this machine's own
            mounts["/etc/hosts"] = hosts
        layers = laid(self.host.ml)
        return [
            *(docker.types.Mount(target, str(source), type="bind") for target, source in mounts.items()),
            *(
                docker.types.Mount(f"/opt/ml/{path}", str(layer.folder), type="bind", read_only=layer.access is Access.READ)
                for path, layer in layers.items()
            ),
        ]


def _write(chunk: bytes) -> None:
    while chunk:
        chunk = chunk[os.write(1, chunk) :]


def remove(folder: RunFolder, name: str | None) -> None:
    """End and remove the container of a run's host (None: of the only one), if there is one.

    Raises ContainerError when the engine cannot say.
    """
    host = folder.host(name)
    try:
        container = host.container.read_text()
    except FileNotFoundError:
        return
    engine = _engine()
    with _engine_errors("removing the container"), contextlib.suppress(docker.errors.NotFound):
        engine.api.remove_container(container, v=True, force=True)
    with contextlib.suppress(docker.errors.DockerException):  # an image without chown: its files stay root's
        _hand_over(engine, folder.load_part(name), host)
    host.container.unlink(missing_ok=True)


def _hand_over(engine: Any, part: Run, host: HostFolder) -> None:  # noqa: ANN401 - the package has no types
    """Make what root has written in the container this user's own, where this user is not root and root there is."""
    program = part.program
    if os.getuid() == 0 or not isinstance(program, Container):
        return
    if any(path.lstat().st_uid == 0 for path in host.ml.rglob("*")):
        engine.containers.run(
            program.image,
            entrypoint=["chown", "-Rh", f"{os.getuid()}:{os.getgid()}", "/opt/ml"],
            command=[],
            user="0:0",
            mounts=[docker.types.Mount("/opt/ml", str(host.ml), type="bind")],
            network_mode="none",
            remove=True,
        )


def _sweep(engine: Any, runs: Path) -> None:  # noqa: ANN401 - the package has no types
    """Remove the containers of runs that are over: an engine that was away could not be told."""
    for container in engine.api.containers(all=True, filters={"label": _LABEL}):
        folder = RunFolder(Path(container["Labels"][_LABEL]))
        if folder.path.parent == runs and folder.state() is not RunState.RUNNING:
            with contextlib.suppress(docker.errors.APIError):
                engine.api.remove_container(container["Id"], v=True, force=True)
