"""HTTPS proxy for programs with fixed AWS addresses: requests to AWS are answered by the emulator, others are tunnelled.

AWS_ENDPOINT_URL is enough for most clients, but an endpoint given in code overrides it: the SageMaker Python SDKs call STS at its
regional address, for example. HTTPS_PROXY directs such calls to this proxy. AWS_CA_BUNDLE makes clients trust its certificates, which
are signed by an authority of the state folder. The authority is constrained to AWS's domains, so a stolen key is useless elsewhere,
and a client that trusts only this bundle cannot reach the real AWS by mistake.
"""

import asyncio
import os
import re
import resource
import socket
import ssl
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import certifi
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local_emulator.api.connections import HEAD_SECONDS, MOST_HEAD, PAUSE, SILENT_SECONDS
from local_emulator.api.faults import Faults
from local_emulator.api.guard import TOKEN_HEADER, Guard
from local_emulator.domain.errors import EmulatorError

DOMAINS = ("amazonaws.com", "amazonaws.com.cn", "api.aws")

_TARGET = re.compile(r"CONNECT ([A-Za-z0-9.\-]+|\[[0-9a-fA-F:.]+\]):(\d{1,5}) HTTP/1\.[01]")
_YEARS = timedelta(days=3650)
_CHUNK = 2**16
_SILENT_SECONDS = 600.0  # of tunnelled connections: other services may answer late
_MOST_CONNECTIONS = 200
_DESCRIPTORS = 8  # connections, two for each client, may use 1/8 of the process's file descriptors
_REFUSED = (
    b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 45\r\n\r\n"
    b"this proxy answers the user of the emulator.\n"
)


def is_aws(host: str) -> bool:
    """Whether a host belongs to AWS."""
    name = host.lower().rstrip(".")
    return any(name.endswith(f".{domain}") for domain in DOMAINS)


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Authority:
    """Signs certificates for AWS's hosts. Created once for a state folder; only the owner may read the key."""

    def __init__(self, folder: Path) -> None:
        self.bundle = folder / "ca.pem"
        self.bundle_and_others = folder / "ca-and-others.pem"
        private = folder / "ca-key.pem"
        if not (self.bundle.exists() and private.exists()):
            _make_authority(self.bundle, private)
        try:
            self._certificate = x509.load_pem_x509_certificate(self.bundle.read_bytes())
            key = serialization.load_pem_private_key(private.read_bytes(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _broken(self.bundle, private) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != self._certificate.public_key():
            raise _broken(self.bundle, private)
        # For the library `requests`: it also connects to other hosts, and has no other setting for an authority.
        self.bundle_and_others.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + self.bundle.read_bytes())
        self._key = key
        self._contexts: dict[str, ssl.SSLContext] = {}

    def context(self, host: str) -> ssl.SSLContext:
        """TLS context with a certificate for a host."""
        if host not in self._contexts:
            key = ec.generate_private_key(ec.SECP256R1())
            alternative = x509.SubjectAlternativeName([x509.DNSName(host)])
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
            signed = (
                _builder(_named("local emulator of AWS"), self._certificate.subject, key)
                .add_extension(alternative, critical=True)
                .add_extension(usage, critical=False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
                .sign(self._key, hashes.SHA256())
            )
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with tempfile.NamedTemporaryFile() as file:  # ssl reads keys from files only
                file.write(signed.public_bytes(serialization.Encoding.PEM) + _pem(key))
                file.flush()
                context.load_cert_chain(file.name)
            self._contexts[host] = context
        return self._contexts[host]


def _broken(bundle: Path, private: Path) -> EmulatorError:
    return EmulatorError(
        f"{bundle} and {private.name} beside it are not the certificate and key that this program has made; remove both, and they are "
        "made anew (programs that trust the old one must be given the new one)"
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    private, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, private, plain)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    today = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + _YEARS)
    )


def _make_authority(bundle: Path, private: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("sm-tuning local emulator")
    signing = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signing, critical=True)
        .add_extension(x509.NameConstraints([x509.DNSName(domain) for domain in DOMAINS], None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    for path, content in ((private, _pem(key)), (bundle, certificate.public_bytes(serialization.Encoding.PEM))):
        whole = path.with_suffix(".new")
        with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        whole.replace(path)


class Proxy:
    """Listens on loopback in its own thread, at `url`. Requests to AWS's hosts are forwarded to the URL `emulator`.

    Only users of the emulator may use the proxy. Silent connections are closed after a timeout, the longest silent one if there are
    too many. `port` is used if it is free, otherwise any other.
    """

    def __init__(self, emulator: str, token: str, authority: Authority, guard: Guard, faults: Faults, *, port: int = 0) -> None:
        self._emulator = urlsplit(emulator)
        self._token = token
        self._authority = authority
        self._guard = guard
        self._faults = faults
        self._most = min(_MOST_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _DESCRIPTORS)
        self._moved: dict[asyncio.Task[Any], float] = {}  # time of the last byte of each client's connection
        try:
            self._listener = socket.create_server(("127.0.0.1", port))
        except OSError:
            self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _loop, facts: faults.report(facts["message"], f"proxy: {facts['message']}"))
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def environment(self) -> Mapping[str, str]:
        """Environment variables that direct a program to the proxy."""
        return {
            "HTTPS_PROXY": self.url,
            "NO_PROXY": "localhost,127.0.0.1,::1",
            "AWS_CA_BUNDLE": str(self._authority.bundle),
            "REQUESTS_CA_BUNDLE": str(self._authority.bundle_and_others),
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        tasks = [self._loop.create_task(work) for work in (self._accept(), self._close_silent())]
        self._loop.run_forever()
        tasks = [*tasks, *self._moved]
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._listener.close()
        self._loop.close()

    async def _accept(self) -> None:
        """Accept connections. asyncio's own server starts and logs ever more attempts when file descriptors have run out."""
        while True:
            try:
                connection, address = await self._loop.sock_accept(self._listener)
            except OSError as error:
                self._faults.report("proxy", f"the proxy cannot accept connections: {error.strerror}; silent ones are closed")
                self._end_longest_silent()
                await asyncio.sleep(PAUSE)
                continue
            with suppress(OSError):  # closed by the client
                await self._begin(connection, address)

    async def _begin(self, connection: socket.socket, address: Any) -> None:  # noqa: ANN401 - as the socket module has it
        if not self._guard.knows(self._guard.peer(connection.getsockname(), address)):
            with connection:
                connection.send(_REFUSED)
            return
        if len(self._moved) >= self._most:
            self._faults.report(
                "full", f"{self._most} connections of the proxy are open; the longest silent are closed for new ones"
            )
            self._end_longest_silent()
        protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=MOST_HEAD), self._admit)
        await self._loop.connect_accepted_socket(lambda: protocol, connection)

    def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._client(reader, writer))
        self._moved[task] = self._loop.time()
        task.add_done_callback(self._moved.pop)

    def _end_longest_silent(self) -> None:
        if self._moved:
            task = min(self._moved, key=self._moved.__getitem__)
            del self._moved[task]  # so that the next call closes another one
            task.remove_done_callback(self._moved.pop)
            task.cancel()

    async def _close_silent(self) -> None:
        while True:
            await asyncio.sleep(_SILENT_SECONDS / 10)
            for task, moved in list(self._moved.items()):
                if self._loop.time() - moved > _SILENT_SECONDS:
                    task.cancel()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._serve(reader, writer)
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HEAD_SECONDS):
            first = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode("latin-1")
        wanted = _TARGET.fullmatch(first)
        if wanted is None:
            writer.write(b"HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        host, port = wanted[1].strip("[]").lower(), int(wanted[2])
        if is_aws(host):
            async with asyncio.timeout(HEAD_SECONDS):
                await self._established(writer)
                await writer.start_tls(self._authority.context(host))
            await self._answer(reader, writer)
            return
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                there = await asyncio.open_connection(host, port)
        except (OSError, OverflowError) as error:
            reason = f"{host}:{port} cannot be reached: {error or 'no answer'}\n".encode()
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(reason) + reason)
            await writer.drain()
            return
        await self._established(writer)
        await self._join((reader, writer), there)

    @staticmethod
    async def _established(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward a request to the emulator, which closes the connection after the answer."""
        async with asyncio.timeout(SILENT_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        ours = (b"connection:", TOKEN_HEADER.lower().encode() + b":")
        kept = [lines[0], *(line for line in lines[1:] if not line.lower().startswith(ours))]
        added = [b"Connection: close", f"{TOKEN_HEADER}: {self._token}".encode()]
        there = await asyncio.open_connection(self._emulator.hostname, self._emulator.port)
        there[1].write(b"\r\n".join([*kept, *added]) + b"\r\n\r\n")
        await self._join((reader, writer), there)

    async def _join(self, here: Connection, there: Connection) -> None:
        """Copy bytes in both directions until the remote side closes."""
        client = asyncio.current_task()
        onward = asyncio.ensure_future(self._pass(here[0], there[1], client))
        try:
            await self._pass(there[0], here[1], client)
        finally:
            onward.cancel()
            there[1].close()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, client: "asyncio.Task[Any] | None") -> None:
        while content := await source.read(_CHUNK):
            if client in self._moved:
                self._moved[client] = self._loop.time()
            target.write(content)
            await target.drain()
        with suppress(OSError, NotImplementedError):  # TLS cannot close one direction
            if target.can_write_eof():
                target.write_eof()
