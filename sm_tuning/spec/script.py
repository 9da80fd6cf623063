"""The training script."""

from dataclasses import dataclass
from pathlib import Path

from sm_tuning.spec.value_types import paths_as_text


@dataclass(frozen=True)
class Script:
    """A training script on this machine, run in script mode.

    Args:
        entry: The file to start: Python (`.py`), or what `/bin/sh` can run. The modules beside it that it imports are sent with it.
        source: A folder that is sent whole; `entry` is then a path inside it. None for the file alone.
    """

    entry: str
    source: str | None = None

    def __post_init__(self) -> None:
        paths_as_text(self, "entry", "source")

    @property
    def program(self) -> str:
        """The entry point inside the archive."""
        return self.entry if self.source is not None else Path(self.entry).name
