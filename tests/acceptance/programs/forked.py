"""Run programs at the same time, each forked after the imports that they share: `forked.py MODULES PROGRAM...`.

Importing the SDK takes longer than what most of them do with it, and so does reading the models of services, of which it makes clients
again and again. In the working directory, what PROGRAM prints goes to `NAME.out`, and `NAME.failed` says that it did not end well.
"""

import gc
import importlib
import os
import runpy
import sys
from pathlib import Path
from typing import Any

import boto3
import botocore.loaders

SERVICES = ("iam", "logs", "s3", "sagemaker", "sts")


def run(program: Path) -> None:
    """Be that program, as far as it can tell."""
    output = os.open(f"{program.stem}.out", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = [str(program)]
    sys.path[0] = str(program.parent)
    runpy.run_path(str(program), run_name="__main__")


modules, *programs = sys.argv[1:]
for name in modules.split(","):
    importlib.import_module(name)
make: Any = boto3.client
for service in SERVICES:
    make(service)
botocore.loaders.create_loader().load_data("endpoints")
gc.freeze()  # a collection in a child would copy all that it shares
children = {}
for path in programs:
    child = os.fork()
    if not child:
        run(Path(path))
        sys.exit()
    children[child] = Path(path)
for child, program in children.items():
    if os.waitpid(child, 0)[1]:
        Path(f"{program.stem}.failed").touch()
