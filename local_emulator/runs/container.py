"""`python -m local_emulator.runs.container run|remove FOLDER [HOST]`: one run, or the part of one on a host, in a container.

The supervisor starts it as it starts any program, and it behaves as its container does: it prints what the container prints, forwards
SIGTERM, and ends with the container's exit code. So deadlines, logs, metrics and stops have one owner, containers or not.
The file `container` in the host's folder is written before there is a container and removed after it; who finds it removes what it
names.
"""

import json
import sys
from pathlib import Path
from typing import NoReturn

from local_emulator.domain.errors import INTERNAL_ERROR
from local_emulator.runs.docker_network import ContainerError
from local_emulator.runs.folder import RunFolder, write_whole
from local_emulator.runs.host_folder import HostFolder
from local_emulator.runs.run import Cause, Container

_FAILED = 125  # exit code, as of `docker run`
_MISSING_EXTRA = f"{INTERNAL_ERROR} (containers need the Docker SDK: pip install 'sm-tuning[docker]': {{}})"


def main() -> NoReturn:
    """Run or remove; the exit code is the container's, or 125 for an error that the folder states."""
    _, verb, path, *named = sys.argv
    folder, name = RunFolder(Path(path)), next(iter(named), None)
    host = folder.host(name)
    try:
        from local_emulator.runs import docker_container  # noqa: PLC0415 - an extra, whose lack is the run's outcome
    except ImportError as error:
        _fail(host, verb, Cause.ENGINE, _MISSING_EXTRA.format(error))
    try:
        if verb == "remove":
            docker_container.remove(folder, name)
            sys.exit(0)
        run = folder.load_part(name)
        if not isinstance(run.program, Container):
            raise TypeError(f"{path} holds no container")
        sys.exit(docker_container.ContainerRun(folder, run, run.program).run())
    except ContainerError as error:
        _fail(host, verb, error.cause, str(error))


def _fail(folder: HostFolder, verb: str, cause: Cause, message: str) -> NoReturn:
    if verb == "run":
        write_whole(folder.container_error, json.dumps({"cause": cause, "message": message}).encode())
    else:
        print(message, file=sys.stderr)  # noqa: T201 - the supervisor's log
    sys.exit(_FAILED)


if __name__ == "__main__":
    main()
