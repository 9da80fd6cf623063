"""A script and what it is sent with, as the archive that AWS's containers unpack."""

import gzip
import io
import os
import tarfile
from pathlib import Path

from sm_tuning.errors import NotLaunched
from sm_tuning.spec.script import Script
from sm_tuning.validation.requirements import requirement_files
from sm_tuning.validation.script_files import script_files

_MOST_SOURCE = 500 * 2**20


def pack(script: Script, *, requirements: bool = False) -> bytes:
    """A script and what it is sent with as sourcedir.tar.gz: the same bytes for the same files.

    Args:
        script: The script.
        requirements: Whether a script that is sent alone has the requirements.txt beside it, too, and the files that this names.
    """
    files = script_files(script).files
    if requirements and script.source is None:
        files = sorted({**dict(files), **requirement_files(Path(script.entry).parent)}.items())
    total = sum(path.stat().st_size for _, path in files)
    if total > _MOST_SOURCE:
        raise NotLaunched(
            f"the source folder {script.source or script.entry} holds {total:,} bytes; at most {_MOST_SOURCE:,} are sent as code"
        )
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name, path in files:
            member = tarfile.TarInfo(name)
            member.size = path.stat().st_size
            member.mode = 0o755 if os.access(path, os.X_OK) else 0o644
            with path.open("rb") as file:
                tar.addfile(member, file)
    return packed.getvalue()
