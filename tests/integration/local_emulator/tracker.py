"""What tests of several hosts have in place of xgboost's tracker, which would wait for its workers, and a host of another run."""

import json
import os
import socket


class Tracker:
    """Stands in for xgboost's."""

    def __init__(self, workers: int, _address: str, *, sortby: str) -> None:
        assert sortby == "task"
        self._workers = workers

    def start(self) -> None:
        """Begin to listen."""

    def wait_for(self) -> None:
        """Wait for the workers."""

    def worker_args(self) -> dict[str, int]:
        """What a worker is started with."""
        return {"workers": self._workers}


def speak_as_a_stranger(port: int, member: str) -> None:
    """Take part as the second host of another run, once the first of this run hears; `member` is what says that it has data."""
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(json.dumps({"run": "other", "host": "second", member: True}).encode() + b"\n")
                return
        except ConnectionRefusedError:
            os.sched_yield()
