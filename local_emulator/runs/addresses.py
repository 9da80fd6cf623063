"""Loopback addresses of a run's hosts, or of its only one: 127.x.y.1, …, in a block that no other run of this machine has.

So programs that listen on fixed ports do not meet those of another run. Who has a block holds an abstract socket of its name, which
the kernel frees when the holder dies, and which exists once where a loopback address exists once: in a network namespace.
"""

import errno
import hashlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local_emulator.runs.folder import RunFolder
from local_emulator.runs.forkserver.server.mounting import etc_of

_FIRST, _LAST = 16, 254  # second numbers of blocks: 127.0 and 127.1 are used by others
_THIRD = 256
_ETC_HOSTS = Path("/etc/hosts")

MOST_HOSTS = 254
"""Addresses of a block, so hosts of a run."""


class NoBlockError(OSError):
    """All blocks are taken, or there are more hosts than a block has addresses."""


@dataclass(frozen=True)
class Block:
    """A block of addresses, held until `held` is closed."""

    prefix: str
    held: socket.socket

    def address(self, number: int) -> str:
        """Address of a host, counted from 1."""
        return f"{self.prefix}.{number}"


def take(run: str, hosts: int) -> Block:
    """A block for the hosts of a run; raises NoBlockError."""
    if hosts > MOST_HOSTS:
        raise NoBlockError(errno.EADDRNOTAVAIL, f"{hosts} hosts, and a block has {MOST_HOSTS} addresses")
    blocks = (_LAST - _FIRST + 1) * _THIRD
    start = int.from_bytes(hashlib.sha256(run.encode()).digest()[:8], "big")
    for index in range(blocks):
        second, third = divmod((start + index) % blocks, _THIRD)
        prefix = f"127.{_FIRST + second}.{third}"
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind(f"\0sm-tuning-hosts-{prefix}")
        except OSError as error:
            held.close()
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        return Block(prefix, held)
    raise NoBlockError(errno.EADDRNOTAVAIL, "no block of loopback addresses is free")


def lay(folder: RunFolder, hosts: Sequence[str], block: Block) -> None:
    """Write for each host what `bind_opt_ml` makes its name and its `/etc/hosts`: this machine's, and the hosts' addresses."""
    lines = _ETC_HOSTS.read_text().splitlines() if _ETC_HOSTS.exists() else []
    kept = [line for line in lines if not set(line.partition("#")[0].split()[1:]) & set(hosts)]
    known = [f"{block.address(number)} {host}" for number, host in enumerate(hosts, 1)]
    for host in hosts:
        etc = Path(etc_of(str(folder.host(host if len(hosts) > 1 else None).ml)))
        etc.mkdir(parents=True, exist_ok=True)
        (etc / "hostname").write_text(host)
        (etc / "hosts").write_text("\n".join([*kept, *known, ""]))
