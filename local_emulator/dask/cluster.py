"""A Dask cluster, seen from the emulator: a client of its scheduler, and calls of our functions on its workers."""

import pickle
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local_emulator.domain.errors import EmulatorError

MISSING_EXTRA = "--executor dask needs Dask: pip install 'sm-tuning[dask]'"


def connect(scheduler: str) -> Any:  # noqa: ANN401 - of an optional package
    """A client of a Dask scheduler; raises EmulatorError."""
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise EmulatorError(MISSING_EXTRA) from error
    try:
        make: Any = Client  # untyped
        return make(scheduler, timeout=5, set_as_default=False, name="sm-tuning")
    except (OSError, ValueError, TimeoutError) as error:
        raise EmulatorError(f"--scheduler {scheduler}: no Dask scheduler answers there ({error})") from error


def on_worker(name: str) -> Callable[..., bytes]:
    """A function that calls one of `local_emulator.dask.worker` by its name, with pickled arguments and a pickled result.

    Dask sends what it calls by name, and unpacks it wherever it passes. A worker or a scheduler that has not got this package would
    not refuse that but die of it. So this function is sent by value, which Python alone suffices to unpack.
    """

    def call(arguments: bytes, dask_worker: Any = None) -> bytes:  # noqa: ANN401 - Dask's
        from local_emulator.dask import worker  # noqa: PLC0415 - on the worker: here it would import Dask at every start

        unpickled = pickle.loads(arguments)  # noqa: S301 - whoever reaches a worker can run code there anyway
        return pickle.dumps(getattr(worker, name)(*unpickled, dask_worker))

    return call


def slots(scheduler: str) -> int:
    """Number of threads of all workers, i.e. of runs that a cluster takes at a time; raises EmulatorError."""
    with connect(scheduler) as client:
        threads: Mapping[str, int] = client.nthreads()
        return max(sum(threads.values()), 1)


def kill_all(scheduler: str, runs: Sequence[str]) -> int:
    """Kill runs on a cluster, wherever they are; how many there were to kill. Raises EmulatorError."""
    with connect(scheduler) as client:
        replies = client.run(on_worker("kill"), pickle.dumps([list(runs)]), on_error="return")
        return sum(pickle.loads(reply) for reply in replies.values() if isinstance(reply, bytes))  # noqa: S301 - our own workers'
