"""`serve`: the emulator as a server, until a signal or an idle time ends it."""

import argparse
import json
import os
import secrets
import shlex
import signal
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local_emulator import installation, peers
from local_emulator import option_values as values
from local_emulator.api.faults import Faults as Reported
from local_emulator.api.guard import Guard
from local_emulator.api.proxy import Authority, Proxy
from local_emulator.api.server import Server
from local_emulator.assembly import Emulator
from local_emulator.console import say
from local_emulator.dask.cluster import slots
from local_emulator.runs.folder import write_whole
from local_emulator.settings import DEFAULT_PORT, Settings
from local_emulator.state_folder import KEEP, PORTS, check_path

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from local_emulator.store.base import Store, Table

# What is imported only when it is used.
_NEEDED = ("moto", "flask", "flask_cors", "numpy", "scipy", "regex", "packaging", "botocore")
_DUMMY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def _settings(options: argparse.Namespace) -> Settings:
    check_path(options.state)
    settings = Settings(
        state=options.state.resolve(),
        host=options.host,
        port=options.port,
        region=options.region,
        stop_grace=options.stop_grace,
        check_roles=options.check_roles,
        pretend=options.pretend,
        python=options.python,
        images=dict(options.image),
        functions=dict(options.functions),
        file_systems=dict(options.file_system),
        s3_endpoint=options.s3_endpoint,
        allowed_hosts=tuple(host.lower() for host in options.allow_host),
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


class _Signals:
    """SIGTERM and SIGINT raise SystemExit, so that whatever was made is closed and removed in order.

    While something is made, which could not be closed half made, the first of them waits until it is.
    """

    def __init__(self) -> None:
        self._making = self._came = False

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._making or self._came:
            raise SystemExit
        self._came = True

    @contextmanager
    def handled(self) -> Iterator[None]:
        """They are this object's inside, and what they were before outside."""
        before = {number: signal.signal(number, self) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """They wait inside."""
        self._making = True
        try:
            yield
        finally:
            self._making = False
        if self._came:
            raise SystemExit


def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM, SIGINT or the idle time; raises ArgumentTypeError for options that do not go together."""
    for name in _NEEDED:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    signals = _Signals()
    with signals.handled():
        _serve(options, signals)


def _serve(options: argparse.Namespace, signals: _Signals) -> None:
    settings = _settings(options)
    ports = _last_ports(settings.state)
    if settings.port == 0 and _is_free(settings.host, ports.get("api", 0)):
        settings = replace(settings, port=ports["api"])
    faults, token, why_open = Reported(), secrets.token_hex(16), peers.why_unknown()
    users = {0, os.geteuid(), *peers.users(settings.allowed_users)}
    address: list[str] = []
    with ExitStack() as stack:
        with signals.waiting():
            emulator = stack.enter_context(Emulator(settings, endpoint=lambda: address[0] if address else None))
        guard = Guard(
            users=users,
            allowed_hosts=(*settings.allowed_hosts, *_own_host(settings.host)),
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
            facts = {"environment": environment, "proxy": proxy.environment(), "installation": installation.describe()}
            emulator.lock.publish(url=server.url, **facts)
            last_ports = {"api": urlsplit(server.url).port, "proxy": urlsplit(proxy.url).port}
            write_whole(settings.state / PORTS, json.dumps(last_ports).encode())
            (settings.state / PORTS).chmod(0o600)
            _greet(environment, proxy.environment(), emulator)
            if why_open:
                say(f"Whose a connection is cannot be told here ({why_open}): every user of this machine can run code as you.")
            if settings.idle_exit is not None:
                threading.Thread(target=_watch, args=(emulator, activity, settings.idle_exit), daemon=True).start()
            _run(server, emulator)
        _say_what_goes_on(emulator.store)


def _say_what_goes_on(store: "Store") -> None:
    tables: Mapping[str, Table[Any]] = {
        "endpoints": store.endpoints,
        "training jobs": store.trainings,
        "processing jobs": store.processings,
        "transform jobs": store.transforms,
    }
    for kind, table in tables.items():
        if number := len(table.active()):
            say(f"{number} {kind} go on by themselves; the next start picks them up (`reset` ends them).")


def _own_host(host: str) -> Sequence[str]:
    """Host headers that name the address that is listened on; none if it is all of them, which clients know by other names."""
    with suppress(ValueError):
        address = ip_address(host)
        return () if address.is_unspecified else (f"[{address}]" if address.version == 6 else str(address),)  # noqa: PLR2004
    return (host.lower(),) if host else ()


def _run(server: Server, emulator: Emulator) -> None:
    """Serve until a signal comes; raises the error that prevented moto from starting, without which nothing works."""
    failures: list[Exception] = []

    def warm_up() -> None:
        try:
            emulator.cloud.warm_up()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised in the main thread
            failures.append(error)
            os.kill(os.getpid(), signal.SIGTERM)

    with suppress(SystemExit):
        threading.Thread(target=warm_up, name="moto", daemon=True).start()
        server.run()
    if failures:
        raise failures[0]


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


def _watch(emulator: Emulator, activity: _Activity, idle_exit: float) -> None:
    while True:
        idle = time.monotonic() - activity.last
        busy = emulator.active_endpoints() or not emulator.is_idle()
        if idle >= idle_exit and not busy and not (emulator.settings.state / KEEP).exists():
            os.kill(os.getpid(), signal.SIGTERM)
            return
        time.sleep(max(idle_exit - idle, 1.0))


def _greet(environment: Mapping[str, str], proxied: Mapping[str, str], emulator: Emulator) -> None:
    url = environment["AWS_ENDPOINT_URL"]
    settings = emulator.settings
    say(
        f"SageMaker emulator at {url}, state in {settings.state}, {settings.parallel} training jobs at a time. In another terminal:\n"
    )
    for name, value in environment.items():
        say(f"  export {name}={value}")
    say("\nFor programs that insist on AWS's own addresses, as the SageMaker Python SDK does, also:\n")
    for name, value in proxied.items():
        say(f"  export {name}={shlex.quote(value)}")
    say(f"\nBeside an S3 of somebody else: export AWS_ENDPOINT_URL_SAGEMAKER={url} and serve with --s3-endpoint.")
    if settings.scheduler:
        say(f"Training jobs run on the Dask cluster at {settings.scheduler}, with its workers' rights. Ctrl-C ends the emulator.")
        return
    say("Training jobs run as your processes, with your rights: this is no sandbox. Ctrl-C ends the emulator.")
    if emulator.why_not_private:
        say(f"No private /opt/ml ({emulator.why_not_private}): scripts must take their paths from the SM_* variables.")
