"""What users have deleted of logs is not published again by the next start."""

from pathlib import Path

from local_emulator.cloud.deleted_logs import DeletedLogs
from local_emulator.domain.names import AwsScope

SCOPE = AwsScope(region="us-east-1", account="123456789012")
EVENTS = [(1, "a"), (2, "b"), (3, "c")]


def test_the_next_start_leaves_out_what_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "deleted-logs"
    deleted = DeletedLogs(path)
    deleted.note(SCOPE, "g", {"s": 1})
    deleted.note(SCOPE, "g", {"s": 2, "all": 3})
    assert deleted.left(SCOPE, "g", "s", EVENTS) == EVENTS  # by now there may be others of the same millisecond
    with path.open("ab") as file:
        file.write(b'\n["us-east-1", "1')  # killed amid it, or the disk was full
    deleted = DeletedLogs(path)
    assert deleted.left(SCOPE, "g", "s", EVENTS) == [(3, "c")]
    assert deleted.left(SCOPE, "g", "all", EVENTS) == []
    other = AwsScope(region="eu-west-1", account=SCOPE.account)
    for scope, group, stream in ((other, "g", "s"), (SCOPE, "h", "s"), (SCOPE, "g", "t")):
        assert deleted.left(scope, group, stream, EVENTS) == EVENTS
    deleted.note(SCOPE, "g", {"t": 3})
    assert DeletedLogs(path).left(SCOPE, "g", "t", EVENTS) == []
    deleted.clear()
    assert DeletedLogs(path).left(SCOPE, "g", "s", EVENTS) == EVENTS
