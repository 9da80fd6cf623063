"""Logs that outlive what wrote them, as a log group of CloudWatch outlives an endpoint: files of runs whose folders are removed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from local_emulator.runs.data.log import segments
from local_emulator.runs.folder import RunFolder, read_facts, remove_tree, write_whole

_FACTS = "facts.json"
_MOST = 100  # runs


class KeptLogs:
    """The logs of the last hundred such runs, each with facts that say whose it is.

    Args:
        path: The folder where they lie; it is made with the first.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, folder: RunFolder, facts: Mapping[str, str]) -> None:
        """Take the log of a run that has ended out of its folder. After a kill amid this it is done again."""
        kept = RunFolder(self._path / folder.path.name)
        for host in folder.hosts:
            target = kept.path / host.path.relative_to(folder.path)
            for file in segments(host):
                target.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_whole(kept.path / _FACTS, json.dumps(dict(facts)).encode())
                file.replace(target / file.name)
        for old in self._newest_first()[_MOST:]:
            remove_tree(old.path)

    def all(self) -> Iterator[tuple[RunFolder, Mapping[str, str]]]:
        """The folders of all kept logs with their facts, the newest first."""
        for folder in self._newest_first():
            if (facts := read_facts(folder.path / _FACTS)) is not None:
                yield folder, facts

    def _newest_first(self) -> Sequence[RunFolder]:
        paths = self._path.iterdir() if self._path.is_dir() else ()
        return sorted(map(RunFolder, paths), key=_written, reverse=True)

    def clear(self) -> None:
        """Forget all of them."""
        remove_tree(self._path)


def _written(folder: RunFolder) -> float:
    try:
        return (folder.path / _FACTS).stat().st_mtime
    except OSError:
        return 0.0
