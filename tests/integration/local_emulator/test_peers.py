"""Only you: another user of this machine gets no answer, whatever the request says."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local_emulator import peers
from local_emulator.api.guard import Guard
from local_emulator.peers import Peer, UnknownUser, peer_of
from tests.conftest import Server

NOBODY = 65534
ME = os.geteuid()
as_root = pytest.mark.skipif(ME != 0, reason="only root may become another user")
SIGNED = "AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_owner_of_a_connection_is_told(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        client = socket.create_connection(listener.getsockname()[:2])
        accepted, address = listener.accept()
        with accepted:
            ends = accepted.getsockname()[:2], address[:2]
            assert peer_of(*ends) == Peer(address=host, uid=ME)
            client.shutdown(socket.SHUT_WR)
            assert peer_of(*ends) == Peer(address=host, uid=ME)
            client.close()
            # The kernel says root of a socket that nobody holds: it must not pass for root's.
            assert peer_of(*ends).gone
            assert not peers.may_enter(peer_of(*ends), {0, ME})


def test_it_is_cheap() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        ends = listener.getsockname(), client.getsockname()
        began = time.perf_counter()
        for _ in range(200):
            peer_of(*ends)
        assert time.perf_counter() - began < 200 * 0.005  # a fiftieth of that on a machine that does nothing else


def test_connections_from_elsewhere_are_as_host_says() -> None:
    assert peer_of(("198.51.100.1", 80), ("198.51.100.2", 4000)) == Peer(address="198.51.100.2")
    assert peer_of(("127.0.0.1", 1), ("127.0.0.1", 2)) == Peer(address="127.0.0.1", gone=True)
    assert peers.may_enter(Peer(address="198.51.100.2"), {ME})
    assert not peers.may_enter(Peer(address="127.0.0.1", gone=True), {ME})


def test_users_by_name_and_number() -> None:
    assert peers.users(["root", "1234"]) == {0, 1234}
    with pytest.raises(UnknownUser, match="--allow-user no-such-user: there is no such user"):
        peers.users(["no-such-user"])


def test_who_is_let_in() -> None:
    guard = Guard(users={0, 1000}, run_key="RUN1")
    good = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "HTTP_HOST": "localhost", "HTTP_AUTHORIZATION": SIGNED.format("test")}
    assert guard.refusal(good, Peer(address="127.0.0.1", uid=1000)) is None
    stranger = Peer(address="127.0.0.1", uid=77777)
    refused = guard.refusal(good, stranger)
    assert refused is not None
    assert refused.status == "403 Forbidden"
    assert "of the user uid 77777: serve with --allow-user" in refused.reason
    run = {**good, "HTTP_AUTHORIZATION": SIGNED.format("RUN1")}
    assert guard.refusal(run, stranger) is None  # a container of ours
    assert guard.refusal({**run, "HTTP_ORIGIN": "null"}, stranger) is not None
    assert Guard(users={0}).refusal(run, stranger) is not None


def curl(*words: str, uid: int) -> "subprocess.CompletedProcess[str]":
    command = ["curl", "--silent", "--show-error", "--max-time", "20", *words]
    return subprocess.run(command, user=uid, capture_output=True, text=True, check=False)


def listing(server: Server, uid: int, key: str = "test") -> str:
    words = ["-H", "X-Amz-Target: SageMaker.ListTrainingJobs", "-H", f"Authorization: {SIGNED.format(key)}", "-d", "{}"]
    return curl(f"{server.url}/", "-H", "Content-Type: application/x-amz-json-1.1", *words, uid=uid).stdout


@as_root
def test_another_user_gets_nothing(server: Server) -> None:
    assert "TrainingJobSummaries" in listing(server, ME)
    assert "AccessDeniedException" in listing(server, NOBODY)
    assert "AccessDeniedException" in listing(server, NOBODY, "RUN" + "0" * 32)
    assert "TrainingJobSummaries" in listing(server, NOBODY, (server.state / "run-key").read_text())
    health = curl(f"{server.url}/_health", uid=NOBODY).stdout
    assert "AccessDenied" in health
    proxy = server.proxied["HTTPS_PROXY"]
    through = ("--proxy", proxy, "--insecure", "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity")
    assert "403" in curl(*through, uid=NOBODY).stderr
    assert "AccessDenied" not in curl(*through, uid=ME).stdout


@as_root
def test_who_is_allowed_gets_all(tmp_path: Path) -> None:
    server = Server(state=tmp_path / "state", arguments=("--allow-user", str(NOBODY)))
    try:
        server.start()
        assert "TrainingJobSummaries" in listing(server, NOBODY)
    finally:
        server.end()


@as_root
def test_a_state_of_another_user_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "precious"
    victim.write_text("precious")
    state = tmp_path / "state"
    state.mkdir()
    (state / "emulator.lock").symlink_to(victim)
    assert "is a link" in serve(state)
    os.chown(state, NOBODY, NOBODY)
    assert "belongs to another user (uid 65534)" in serve(state)
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    os.lchown(link, NOBODY, NOBODY)
    assert "a link of another user's" in serve(link / "fresh")
    assert victim.read_text() == "precious"


def serve(state: Path) -> str:
    """What serving a state folder that must be refused says."""
    command = [sys.executable, "-m", "local_emulator", "serve", "--state", str(state), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_state_folder_that_others_could_read_is_closed(server: Server) -> None:
    server.end()
    server.state.chmod(0o755)
    (server.state / "runs").chmod(0o755)
    server.start()
    paths = [server.state, *server.state.iterdir()]
    assert {path.name: oct(path.stat().st_mode & 0o077) for path in paths} == dict.fromkeys([path.name for path in paths], "0o0")
