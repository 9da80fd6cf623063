"""Run a shell script of many commands of the AWS CLI: `forked_cli.py SCRIPT`, by the CLI's own interpreter.

Each command is forked after the imports and the models of services that they share, which take longer than most commands do. `aws`,
on the script's PATH and as its variable AWS, is a program that hands its arguments, environment, folder and streams on and ends as the
CLI does.
"""

import functools
import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import awscli.clidriver
from awscli.clidriver import botocore  # its own copy

SERVICES = ("logs", "s3", "sagemaker")
COMMAND = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
    connection.connect({address!r})
    request = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()])
    socket.send_fds(connection, [request.encode()], [0, 1, 2])
    sys.exit(connection.recv(1)[0])
"""


def serve(listener: socket.socket) -> None:
    """Fork for one command after the other."""
    while True:
        connection, _ = listener.accept()
        request, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
        child = os.fork()
        if not child:
            run(*json.loads(request), streams=streams)
        for stream in streams:
            os.close(stream)
        connection.send(bytes([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF]))
        connection.close()


def run(arguments: list[str], environment: dict[str, str], cwd: str, *, streams: list[int]) -> NoReturn:
    """Be the CLI, as far as it can tell. Clearing up all that it shares with this process would take longer than the command."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv = ["aws", *arguments]
    code = 1
    try:
        code = awscli.clidriver.main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)
session = awscli.clidriver.create_clidriver().session
for service in SERVICES:
    session.get_service_model(service)
session.get_available_services()
gc.freeze()
folder = Path(tempfile.mkdtemp())
listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listening.bind(str(folder / "socket"))
listening.listen()
command = folder / "aws"
command.write_text(COMMAND.format(python=sys.executable, address=str(folder / "socket")))
command.chmod(0o700)
server = os.fork()
if not server:
    serve(listening)
path = f"{folder}{os.pathsep}{os.environ['PATH']}"
code = subprocess.call(["bash", sys.argv[1]], env={**os.environ, "AWS": str(command), "PATH": path})
os.kill(server, signal.SIGKILL)
os.waitpid(server, 0)
shutil.rmtree(folder)
sys.exit(code)
