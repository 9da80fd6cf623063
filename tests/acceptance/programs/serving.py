"""Serves a factor that lies in /opt/ml/model; the variable BEHAVIOUR says how badly."""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

assert sys.argv[1:] == ["serve"]
BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
BEHAVIOUR = os.environ.get("BEHAVIOUR", "")
FACTOR = int((BASE / "model" / "factor").read_text())
if "LEDGER" in os.environ:
    with Path(os.environ["LEDGER"]).open("a") as ledger:
        ledger.write(f"{os.environ['SM_EMULATOR_RUN']}\n")
print(f"serving the factor {FACTOR}", flush=True)


class Handler(BaseHTTPRequestHandler):
    """Multiplies numbers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(b"", 500 if BEHAVIOUR == "sick" else 200)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = os.environ["PID"] if body == "pid" else [number * FACTOR for number in body]
        self._answer(json.dumps(answer).encode())

    def _answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


os.environ["PID"] = str(os.getpid())
if BEHAVIOUR == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:  # and has a child that it does not look after, in a session of its own
        os.setsid()
        while True:
            time.sleep(60)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
