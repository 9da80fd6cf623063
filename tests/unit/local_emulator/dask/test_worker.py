"""What a worker replies to polls of its runs."""

from pathlib import Path

from local_emulator.dask.messages import PollRequest
from local_emulator.dask.worker import TaskAttempt
from local_emulator.runs.folder import RunFolder

MOST = 4 * 2**20  # bytes of a reply


def test_a_long_log_is_replied_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "log.9").write_bytes(b"9" * (MOST + 1))
    (tmp_path / "log.10").write_bytes(b"t" * (MOST + 2))
    attempt = TaskAttempt(folder=RunFolder(tmp_path), task="task")
    first = attempt.reply(PollRequest(claim="task"))
    assert (first.files, first.logs, first.more) == ({"log.9": b"9" * MOST}, ["log.9", "log.10"], True)
    second = attempt.reply(PollRequest(claim="task", sizes={"log.9": MOST}))
    assert second.files == {"log.9": b"9", "log.10": b"t" * (MOST - 1)}
    assert second.more
    third = attempt.reply(PollRequest(claim="task", sizes={"log.9": MOST + 1, "log.10": MOST - 1}))
    assert (third.files, third.more) == ({"log.10": b"ttt"}, False)


def test_links_are_no_part_of_a_log(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "metrics").symlink_to("secret")
    (tmp_path / "log.0").symlink_to("secret")
    (tmp_path / "log.1").write_text("1 line\n")
    reply = TaskAttempt(folder=RunFolder(tmp_path), task="task").reply(PollRequest(claim="task"))
    assert (reply.files, reply.logs) == ({"log.1": b"1 line\n"}, ["log.1"])
