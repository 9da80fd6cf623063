"""Which log events users have deleted: CloudWatch Logs is a copy that each start makes anew of the logs of runs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from local_emulator.domain.names import AwsScope


class DeletedLogs:
    """Deletions of log groups and streams, a line of JSON each, those of earlier starts to be left out of what is published.

    Args:
        path: The file where they are noted.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._until: dict[tuple[str, str, str, str], int] = {}
        for line in path.read_bytes().splitlines() if path.exists() else ():
            try:
                region, account, group, streams = json.loads(line)
                self._until |= {(region, account, group, stream): ms for stream, ms in streams.items()}
            except (ValueError, TypeError, AttributeError):
                continue  # half written

    def note(self, scope: AwsScope, group: str, streams: Mapping[str, int]) -> None:
        """Note that streams of a group are deleted up to their last events (in epoch milliseconds); raises OSError."""
        with self._path.open("ab") as file:
            file.write(f"\n{json.dumps([scope.region, scope.account, group, streams])}".encode())

    def left(self, scope: AwsScope, group: str, stream: str, events: Sequence[tuple[int, str]]) -> Sequence[tuple[int, str]]:
        """Those (epoch milliseconds, text) of a stream that were not deleted before this start."""
        until = self._until.get((scope.region, scope.account, group, stream))
        return events if until is None else [event for event in events if event[0] > until]

    def clear(self) -> None:
        """Forget all: there are no logs any more."""
        self._until.clear()
        self._path.unlink(missing_ok=True)
