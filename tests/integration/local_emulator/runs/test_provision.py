"""What programs need beside their folders: what cannot be had is told as the run's end."""

import errno
from pathlib import Path

import pytest

from local_emulator.runs import addresses
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.hosting.port import BIND_TO_PORT
from local_emulator.runs.provision import ProvisionError, provide
from local_emulator.runs.run import Cause, Command, Contract, HostProgram, Run

COMMAND = Command(argv=("true",))


def run(folder: RunFolder, **settings: object) -> Run:
    return Run(id=folder.path.name, folder=folder.path, program=COMMAND, **settings)  # type: ignore[arg-type] # a test's own


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "runs" / "a")
    made.make()
    return made


@pytest.mark.parametrize(
    ("number", "cause", "message"),
    [
        (errno.ENOSPC, Cause.DISK, "ClientError: No space left on device: /etc/hosts"),
        (errno.EIO, Cause.ENGINE, "InternalServerError: [Errno 5] no: '/etc/hosts'"),
    ],
)
def test_hosts_whose_names_cannot_be_written(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, number: int, cause: Cause, message: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, "no", "/etc/hosts")

    monkeypatch.setattr(addresses, "take", fail)
    hosts = tuple(HostProgram(name=f"algo-{number}", program=COMMAND) for number in (1, 2))
    with pytest.raises(ProvisionError) as error:
        provide(run(folder, hosts=hosts), folder)
    assert (error.value.cause, str(error.value)) == (cause, message)


def test_a_serving_program_is_named_its_port(folder: RunFolder) -> None:
    started, provision = provide(run(folder, contract=Contract.SERVING), folder)
    assert started.env == {BIND_TO_PORT: folder.port.read_text()}
    assert provision.addresses is None
    assert provision.feeder is None


def test_a_run_that_needs_nothing_is_as_it_was(folder: RunFolder) -> None:
    made = run(folder)
    assert provide(made, folder)[0] is made
