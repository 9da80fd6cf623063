"""Several hosts of a stand-in that trains on one: the others bring it their parts of the sharded channels.

AWS's programs train one model together. Here the first host has the data of all and trains alone, which is the same model as on one
instance.
"""

import shutil
import socket
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from local_emulator.algorithms import connections, contract
from local_emulator.algorithms.contract import say

_PORT = 9098  # of the first host, whose address is the job's own


def send(first: str, channels: Mapping[str, Sequence[Path]]) -> None:
    """Bring files of channels to the first host, once that listens."""
    files = [(channel, path) for channel, paths in channels.items() for path in paths]
    sizes = [(channel, path.name, path.stat().st_size) for channel, path in files]
    current = contract.hosts()[1]
    say(f"{current} brings its part of the data, {sum(size for _, _, size in sizes)} bytes, to {first}, which trains.")
    with connections.connect(first, _PORT, {"host": current, "files": sizes}) as connection, connection.makefile("wb") as stream:
        for _, path in files:
            with path.open("rb") as file:
                shutil.copyfileobj(file, stream)


@cache
def received() -> Mapping[str, Sequence[Path]]:
    """On the first host: the files that the others bring, by channel, in the order of their hosts' names."""
    names, current = contract.hosts()
    channels: dict[str, dict[str, list[Path]]] = {}
    with socket.create_server((current, _PORT)) as server:
        while len(channels) < len(names) - 1:
            connection, stream, header = connections.accept(server)
            with connection, stream:
                brought = channels.setdefault(header["host"], {})
                for channel, name, size in header["files"]:
                    path = Path(tempfile.mkdtemp()) / Path(name).name
                    content = stream.read(size)
                    if len(content) < size:
                        raise EOFError(f"{header['host']} has ended before it has brought its part of the data.")
                    path.write_bytes(content)
                    brought.setdefault(channel, []).append(path)
    hosts = [channels[host] for host in names[1:]]
    return {channel: [path for brought in hosts for path in brought.get(channel, ())] for channel in sorted(set().union(*hosts))}
