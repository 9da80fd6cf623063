"""How AWS's training toolkit starts a script, which the emulator does and the dry run foretells."""

from pathlib import Path

PACKAGE = "setup.py"


def flag(name: str) -> str:
    """What a hyperparameter's value comes behind on the command line: `--epochs`, `-C`; nothing for one without a name."""
    return f"{'--' if len(name) > 1 else '-'}{name}" if name else ""


def is_package(folder: Path, entry: str) -> bool:
    """Whether the folder of a script is installed, and the script started as a module."""
    return (folder / PACKAGE).is_file() and not entry.endswith(".sh")
