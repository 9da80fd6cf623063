"""The two folders of one host of a run: its evidence, and what its program reads and writes."""

from dataclasses import dataclass
from pathlib import Path

WORK = "work"


@dataclass(frozen=True)
class HostFolder:
    """The names in the folders of one of several hosts, which lie in those of the run; `path` is that of the evidence.

    The only host of a run has the run's own folders (`runs.folder.RunFolder`).
    """

    path: Path

    @property
    def work(self) -> Path:
        """Everything that the program may write."""
        run = self.path.parent
        return run.parent.with_name(WORK) / run.name / self.path.name

    @property
    def ml(self) -> Path:
        """Its own `/opt/ml`."""
        return self.work / "ml"

    @property
    def home(self) -> Path:
        """The program's HOME; empty when it starts."""
        return self.work / "home"

    @property
    def temporary(self) -> Path:
        """The program's TMPDIR."""
        return self.work / "tmp"

    @property
    def packages(self) -> Path:
        """Python packages that the program installs for itself."""
        return self.work / "packages"

    @property
    def port(self) -> Path:
        """The port of 127.0.0.1 that a serving program listens on, or will."""
        return self.path / "port"

    def read_port(self) -> int | None:
        """That port; None if it is not known yet."""
        try:
            text = self.port.read_text()
        except (OSError, ValueError):
            return None
        return int(text) if text.isdecimal() else None

    @property
    def container(self) -> Path:
        """Exists for as long as there may be a container; its content is the container's name."""
        return self.path / "container"

    @property
    def container_error(self) -> Path:
        """Why a container could not do its work, as a cause and a message in JSON."""
        return self.path / "trouble"

    def make(self) -> None:
        """Make both folders, for this user alone."""
        for path in (self.path, self.work):
            if path.is_symlink():
                path.unlink()
        for path in (self.path, self.work, self.home, self.temporary):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o700)
