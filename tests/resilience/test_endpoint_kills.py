"""Kill the emulator at any moment while it hosts models: endpoints serve what was promised, nothing runs twice, nothing is left."""

import random
import sys
from pathlib import Path

import pytest

from tests.conftest import Server
from tests.resilience.endpoint_kills import EndpointChaos, arguments

KILLS = 4  # `make soak` kills two hundred times


@pytest.mark.slow(15)
def test_killed_at_random(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    server = Server(tmp_path / "state", arguments(sys.executable))
    try:
        outcome = EndpointChaos(server, tmp_path, seed).run(KILLS)
    finally:
        server.remove()
    assert outcome.faults == []
    assert outcome.kills == KILLS
