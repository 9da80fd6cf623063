"""Every run has addresses of its own, as long as it lasts; its hosts find one another by their names."""

import socket
from pathlib import Path

import pytest

from local_emulator.runs import addresses
from local_emulator.runs.folder import RunFolder


def test_no_two_runs_share_addresses_and_fixed_ports_do_not_meet() -> None:
    first, second = addresses.take("run", 2), addresses.take("run", 2)
    assert first.prefix != second.prefix
    with (
        socket.create_server((first.address(1), 0)) as server,
        socket.create_server((second.address(1), server.getsockname()[1])),
        socket.create_server((first.address(2), server.getsockname()[1])),
    ):
        pass
    first.held.close()
    again = addresses.take("run", 2)
    assert again.prefix == first.prefix, "it is free when its holder is gone"
    for block in (second, again):
        block.held.close()


def test_a_block_has_254_hosts() -> None:
    with addresses.take("run", 254).held, pytest.raises(addresses.NoBlockError, match="255 hosts, and a block has 254 addresses"):
        addresses.take("run", 255)


def test_each_host_knows_its_name_and_all_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = tmp_path / "hosts"
    machine.write_text("127.0.0.1 localhost\n10.0.0.9 algo-2 # of somebody else\n10.0.0.8 mine algo-9")
    monkeypatch.setattr(addresses, "_ETC_HOSTS", machine)
    folder = RunFolder(tmp_path / "runs" / "run")
    with (block := addresses.take("run", 2)).held:
        addresses.lay(folder, ["algo-1", "algo-2"], block)
    for host in ("algo-1", "algo-2"):
        etc = folder.host(host).work / "etc"
        assert (etc / "hostname").read_text() == host
        assert (etc / "hosts").read_text().splitlines() == [
            "127.0.0.1 localhost",
            "10.0.0.8 mine algo-9",
            f"{block.prefix}.1 algo-1",
            f"{block.prefix}.2 algo-2",
        ]
