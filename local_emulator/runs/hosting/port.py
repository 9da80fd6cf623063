"""The ports that serving programs are told to listen on."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack

BIND_TO_PORT = "SAGEMAKER_BIND_TO_PORT"
"""Names a serving program its port."""


def free_ports(count: int) -> Sequence[int]:
    """So many free ports. Whoever takes one in the meantime makes its program fail, which is then told."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(free.getsockname()[1]) for free in sockets]
