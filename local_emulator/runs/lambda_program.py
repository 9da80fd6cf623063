"""The process in which a function that stands in for AWS Lambda's is called: `lambda_program.py FOLDER MODULE FUNCTION`.

It reads {"event": …, "context": …} and writes {"answer": …} or {"error": …}; what the function prints goes to standard error.
"""

import ctypes
import importlib
import json
import os
import signal
import sys
from types import SimpleNamespace

_PR_SET_PDEATHSIG = 1


def main(folder: str, module: str, function: str) -> None:
    """Call the function once."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # it ends with the emulator
    call = json.load(sys.stdin)
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        sys.path.insert(0, folder)
        try:
            answer = getattr(importlib.import_module(module), function)(call["event"], SimpleNamespace(**call["context"]))
            result = json.dumps({"answer": answer})
        except Exception as error:  # noqa: BLE001 - whatever a user's function raises
            result = json.dumps({"error": f"{type(error).__name__}: {error}"})
        answers.write(result)


if __name__ == "__main__":
    main(*sys.argv[1:])
