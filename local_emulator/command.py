"""The command line: serve, status, stop, interrupt, reset, recover."""

import argparse
import http.client
import json
import os
import secrets
import shlex
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote, urlsplit

from local_emulator import installation
from local_emulator import option_values as values
from local_emulator.api import peers
from local_emulator.api.faults import Faults as Reported
from local_emulator.api.guard import Guard
from local_emulator.api.server import Server
from local_emulator.assembly import Emulator, end_runs
from local_emulator.dask.cluster import slots
from local_emulator.domain.errors import EmulatorError
from local_emulator.failures import FAILED, tell
from local_emulator.runs.folder import write_whole
from local_emulator.settings import DEFAULT_PORT, Settings, default_state
from local_emulator.state_folder import PORTS, StateLock, check_path, read_owner, wipe

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

OK, USAGE, NOT_RUNNING = 0, 2, 3

_NEEDED = (
    "moto",
    "flask",
    "flask_cors",
    "numpy",
    "scipy",
    "regex",
    "packaging",
    "botocore",
)  # what is imported only when it is used
_KEEP = "keep"  # in the state folder: somebody counts on the emulator, which does not end by itself
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open  # what is on this machine needs no proxy

_DUMMY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, not beside all that would be right."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"local_emulator: {message} ({self.prog} --help shows what there is)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m local_emulator", description="SageMaker's tuning and training API on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve AWS's API on this machine until Ctrl-C")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument(
        "--port",
        type=values.port,
        default=DEFAULT_PORT,
        help="0 picks a free one, the last one if it is free (default: %(default)s)",
    )
    serve.add_argument(
        "--parallel", type=values.count, help="most training jobs at a time (default: number of cores; a cluster's threads)"
    )
    serve.add_argument(
        "--threads", type=values.count, help="threads of BLAS and OpenMP in each training job (default: cores / parallel)"
    )
    serve.add_argument(
        "--gpus",
        type=values.gpus,
        help="GPUs to deal out to training jobs, such as 0,1, or none (default: $CUDA_VISIBLE_DEVICES, or all)",
    )
    serve.add_argument(
        "--region", type=values.region, default="us-east-1", help="region of unsigned requests (default: %(default)s)"
    )
    serve.add_argument(
        "--stop-grace", type=values.seconds, default=120.0, help="seconds from SIGTERM to SIGKILL (default: %(default)s)"
    )
    serve.add_argument("--python", type=values.python, help="interpreter that runs training scripts (default: this one)")
    serve.add_argument(
        "--image",
        type=values.image,
        action="append",
        default=[],
        metavar="PATTERN=WHAT",
        help="how to run the images that match PATTERN: COMMAND; python:PATH, scripts in this interpreter or virtual environment; "
        "docker:[IMAGE], the container itself or another (may be repeated; the first match counts)",
    )
    serve.add_argument(
        "--s3-endpoint", type=values.url, help="S3 of somebody else where data, sources and models lie (default: our own)"
    )
    serve.add_argument(
        "--executor",
        choices=["process", "dask"],
        default="process",
        help="what runs training jobs: this machine, or a Dask cluster",
    )
    serve.add_argument("--scheduler", help="address of the cluster's scheduler, e.g. tcp://127.0.0.1:8786")
    serve.add_argument("--advertise", help="URL of this emulator as the cluster's workers see it (default: our own)")
    serve.add_argument("--check-roles", action="store_true", help="refuse a RoleArn that IAM here does not know")
    serve.add_argument("--allow-host", action="append", default=[], help="another Host header to answer (may be repeated)")
    serve.add_argument(
        "--allow-user",
        action="append",
        default=[],
        metavar="NAME",
        help="another user of this machine to answer, beside you and root, who may then run code as you (may be repeated)",
    )
    serve.add_argument(
        "--quota",
        type=values.number,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="a quota of the account, AWS's default otherwise: tuning-jobs, parallel-training-jobs, training-jobs, "
        "random-training-jobs, or an instance type (may be repeated)",
    )
    serve.add_argument(
        "--fault",
        type=values.number,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="what goes wrong on purpose, with which probability: throttle, capacity, internal, interrupt; delay=SECONDS "
        "(may be repeated)",
    )
    serve.add_argument(
        "--no-fork-server",
        action="store_true",
        help="start a new interpreter for every Python script: fork none from a process that has imported its modules",
    )
    serve.add_argument("--idle-exit", type=values.seconds, help="end after this many seconds without a request or a training job")
    status = commands.add_parser("status", help="say whether an emulator holds the state folder, and where it answers")
    status.add_argument("--json", action="store_true", help="as one JSON document")
    status.add_argument("--keep", action="store_true", help="from now on it does not end by itself when idle (--idle-exit)")
    commands.add_parser("recover", help="keep what is damaged in the state folder aside, and go on with what can be read")
    commands.add_parser("stop", help="end the emulator; training jobs go on and are picked up at the next start")
    interrupt = commands.add_parser("interrupt", help="take the instance of a managed spot training job away")
    interrupt.add_argument("job", help="name of the training job")
    reset = commands.add_parser("reset", help="kill all runs and forget all state")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    for command in commands.choices.values():
        command.add_argument("--state", type=values.folder, default=default_state(), help="state folder (default: %(default)s)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code: 0 done, 1 failed, 2 usage, 3 not running or in use."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        if options.command == "serve":
            return _serve(options)
        return {"status": _status, "stop": _stop, "reset": _reset, "interrupt": _interrupt, "recover": _recover}[options.command](
            options
        )
    except argparse.ArgumentTypeError as error:
        parser.error(str(error))
    except Exception as error:  # noqa: BLE001 - the one way out: a sentence and an exit code
        return tell(error)


def _settings(options: argparse.Namespace) -> Settings:
    check_path(options.state)
    settings = Settings(
        state=options.state.resolve(),
        host=options.host,
        port=options.port,
        region=options.region,
        stop_grace=options.stop_grace,
        check_roles=options.check_roles,
        python=options.python,
        images=dict(options.image),
        s3_endpoint=options.s3_endpoint,
        allowed_hosts=tuple(options.allow_host),
        allowed_users=tuple(options.allow_user),
        quotas=values.quotas(options.quota),
        faults=values.faults(options.fault),
        idle_exit=options.idle_exit,
        fork_server=not options.no_fork_server,
        threads=options.threads,
        **({"gpus": options.gpus} if options.gpus is not None else {}),
    )
    settings = _with_cluster(settings, options)
    return replace(settings, parallel=options.parallel) if options.parallel else settings


def _with_cluster(settings: Settings, options: argparse.Namespace) -> Settings:
    """The settings of a cluster, which says itself how many training jobs it takes at a time."""
    if (options.executor == "dask") != bool(options.scheduler):
        raise argparse.ArgumentTypeError("--executor dask and --scheduler ADDRESS go together")
    seen = urlsplit(options.advertise or "")
    if options.advertise and (seen.scheme != "http" or not seen.hostname or not options.scheduler):
        raise argparse.ArgumentTypeError(
            f"--advertise {options.advertise}: it must be this emulator's URL for a cluster, such as http://10.0.0.7:{DEFAULT_PORT}"
        )
    if not options.scheduler:
        return settings
    hosts = (*settings.allowed_hosts, seen.hostname) if seen.hostname else settings.allowed_hosts
    return replace(
        settings,
        scheduler=options.scheduler,
        advertise=options.advertise,
        parallel=options.parallel or slots(options.scheduler),
        allowed_hosts=hosts,
    )


class _Activity:
    """WSGI middleware that remembers when the last request came."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app
        self.last = time.monotonic()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        self.last = time.monotonic()
        return self._app(environ, start_response)


def _serve(options: argparse.Namespace) -> int:
    from local_emulator.api.proxy import Authority, Proxy  # noqa: PLC0415 - a seventh of the start, which `status` need not pay

    for name in _NEEDED:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    settings = _settings(options)
    ports = _last_ports(settings.state)
    if settings.port == 0 and _is_free(settings.host, ports.get("api", 0)):
        settings = replace(settings, port=ports["api"])
    faults, token, why_open = Reported(), secrets.token_hex(16), peers.why_unknown()
    users = {0, os.geteuid(), *peers.users(settings.allowed_users)}
    address: list[str] = []
    with Emulator(settings, endpoint=lambda: address[0] if address else None) as emulator:
        guard = Guard(
            users=users,
            allowed_hosts=settings.allowed_hosts,
            proxy_token=token,
            run_key=emulator.run_key,
            identifies=why_open is None,
        )
        gateway = emulator.gateway(faults)
        activity = _Activity(gateway)
        with (
            Server(activity, settings, guard, faults) as server,
            Proxy(server.url, token, Authority(settings.state), guard, faults, port=ports.get("proxy", 0)) as proxy,
        ):
            address.append(server.url)
            environment = {"AWS_ENDPOINT_URL": server.url, **_DUMMY}
            told = {"environment": environment, "proxy": proxy.environment(), "installation": installation.describe()}
            emulator.lock.tell(url=server.url, **told)
            answering = {"api": urlsplit(server.url).port, "proxy": urlsplit(proxy.url).port}
            write_whole(settings.state / PORTS, json.dumps(answering).encode())
            (settings.state / PORTS).chmod(0o600)
            _greet(environment, proxy.environment(), emulator)
            if why_open:
                _say(f"Whose a connection is cannot be told here ({why_open}): every user of this machine can run code as you.")
            signal.signal(signal.SIGTERM, _end)
            signal.signal(signal.SIGINT, _end)
            if settings.idle_exit is not None:
                threading.Thread(target=_watch, args=(emulator, activity, settings.idle_exit), daemon=True).start()
            _run(server, emulator)
        left = emulator.active_runs()
        if left:
            _say(f"{left} training jobs go on by themselves; the next start picks them up (`reset` ends them).")
    return OK


def _run(server: Server, emulator: Emulator) -> None:
    """Serve until a signal comes; raises what kept moto from coming up, without which nothing works."""
    trouble: list[Exception] = []

    def warm_up() -> None:
        try:
            emulator.cloud.warm_up()
        except Exception as error:  # noqa: BLE001 - it is raised in the main thread
            trouble.append(error)
            os.kill(os.getpid(), signal.SIGTERM)

    with suppress(SystemExit):
        threading.Thread(target=warm_up, name="moto", daemon=True).start()
        server.run()
    if trouble:
        raise trouble[0]


def _last_ports(state: Path) -> Mapping[str, int]:
    try:
        ports: Mapping[str, int] = json.loads((state / PORTS).read_text())
    except (OSError, ValueError):
        return {}
    return ports


def _is_free(host: str, port: int) -> bool:
    if not port:
        return False
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit  # the server shuts down in order when it sees this


def _watch(emulator: Emulator, activity: _Activity, idle_exit: float) -> None:
    while True:
        idle = time.monotonic() - activity.last
        if idle >= idle_exit and not emulator.active_runs() and not (emulator.settings.state / _KEEP).exists():
            os.kill(os.getpid(), signal.SIGTERM)
            return
        time.sleep(max(idle_exit - idle, 1.0))


def _greet(environment: Mapping[str, str], proxied: Mapping[str, str], emulator: Emulator) -> None:
    url = environment["AWS_ENDPOINT_URL"]
    settings = emulator.settings
    _say(
        f"SageMaker emulator at {url}, state in {settings.state}, {settings.parallel} training jobs at a time. In another terminal:\n"
    )
    for name, value in environment.items():
        _say(f"  export {name}={value}")
    _say("\nFor programs that insist on AWS's own addresses, as the SageMaker Python SDK does, also:\n")
    for name, value in proxied.items():
        _say(f"  export {name}={shlex.quote(value)}")
    _say(f"\nBeside an S3 of somebody else: export AWS_ENDPOINT_URL_SAGEMAKER={url} and serve with --s3-endpoint.")
    if settings.scheduler:
        _say(
            f"Training jobs run on the Dask cluster at {settings.scheduler}, with its workers' rights. Ctrl-C ends the emulator."
        )
        return
    _say("Training jobs run as your processes, with your rights: this is no sandbox. Ctrl-C ends the emulator.")
    if emulator.why_not_private:
        _say(f"No private /opt/ml ({emulator.why_not_private}): scripts must take their paths from the SM_* variables.")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command line speaks


def _ask_health(url: object) -> Mapping[str, object]:
    try:
        with _open(f"{url}/_health", timeout=5) as answer:
            facts = json.load(answer)
    except (http.client.HTTPException, OSError, ValueError, RecursionError) as error:
        return {"status": "unreachable", "reason": str(error)}
    return facts if isinstance(facts, dict) else {"status": "unreachable", "reason": "it answers, but not as the emulator"}


def _status(options: argparse.Namespace) -> int:
    owner = read_owner(options.state)
    facts = {"running": owner is not None, "state": str(options.state), **(owner or {}), "asking": installation.describe()}
    if options.keep and owner is not None:
        (options.state / _KEEP).touch(mode=0o600)
    if owner and "url" in owner:
        facts["health"] = _ask_health(owner["url"])
    if options.json:
        _say(json.dumps(facts))
    elif owner is None:
        _say(f"No emulator holds {options.state}.")
    else:
        _say(
            f"Running at {facts.get('url', 'an address it has not told yet')} (process {facts.get('pid')}), state in {options.state}."
        )
    return OK if owner is not None else NOT_RUNNING


def _stop(options: argparse.Namespace) -> int:
    owner = read_owner(options.state)
    (options.state / _KEEP).unlink(missing_ok=True)
    if owner is None:
        _say(f"No emulator holds {options.state}.")
        return OK
    pid = owner.get("pid")
    if isinstance(pid, int):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while read_owner(options.state) is not None:
        if time.monotonic() > deadline:
            raise EmulatorError(f"the emulator (process {pid}) did not end within 30 seconds")
        time.sleep(0.05)
    _say("Stopped.")
    return OK


def _interrupt(options: argparse.Namespace) -> int:
    owner = read_owner(options.state)
    if owner is None or "url" not in owner:
        _say(f"No emulator holds {options.state}.")
        return NOT_RUNNING
    request = urllib.request.Request(f"{owner['url']}/_interrupt/{quote(options.job)}", method="POST")  # noqa: S310 - our own address
    try:
        with _open(request, timeout=10):
            _say(f"{options.job} is interrupted; it begins anew when its program has ended.")
    except urllib.error.HTTPError as error:
        with error:
            raise EmulatorError(error.read().decode()) from error
    return OK


def _recover(options: argparse.Namespace) -> int:
    from local_emulator.rescue import recover  # noqa: PLC0415 - rarely needed

    with StateLock(options.state):
        for sentence in recover(options.state):
            _say(sentence)
    return OK


def _reset(options: argparse.Namespace) -> int:
    state: Path = options.state
    if not (state / "emulator.lock").exists():
        _say(f"{state} holds no state.")
        return OK
    if not options.yes and input(f"Kill all runs and forget everything in {state}? [y/N] ").strip().lower() not in {"y", "yes"}:
        return FAILED
    with StateLock(state):
        ended = end_runs(state)
        wipe(state)
    _say(f"{ended} runs ended, all state forgotten.")
    return OK
