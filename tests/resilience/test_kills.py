"""Kill the emulator at any moment: after a restart every job goes on, each ran at most once, no metric is lost or doubled."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.resilience.kills import kill_at_random

pytestmark = pytest.mark.really_starts  # a kill may come while it imports

KILLS = 12  # `make soak` kills a thousand times


@pytest.mark.slow(35)
def test_killed_at_random(server: Any, tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    outcome = kill_at_random(server, tmp_path, KILLS, seed, hosts=2)
    assert outcome.faults == []
    assert outcome.tuning_jobs >= KILLS // 4
    assert outcome.executions >= KILLS // 6
