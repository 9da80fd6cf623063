"""The commands that write a pipeline into a user's repository, and the lock of what it installs."""

import os
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from sm_tuning import program
from sm_tuning.cli.output import echo, echo_json
from sm_tuning.client.emulator_process import LOCAL_OUTPUT, LOCAL_ROLE
from sm_tuning.errors import Invalid
from sm_tuning.infra.init import Pipeline
from sm_tuning.infra.lock import locked, resolve, wheels
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.toml import load


def init(*, folder: Path, project: str, repository: str, provider: str, job: str, context: str, as_json: bool) -> None:
    """Write a pipeline that deploys, launches and deletes; nothing is overwritten."""
    files, folders = reads(folder / job, folder)
    pipeline = Pipeline(
        project=project,
        repository=repository,
        provider=provider,
        job=job,
        context=context,
        files_read=files,
        folders_read=folders,
    )
    paths = pipeline.write(folder)
    written = [str(path) for path in paths]
    left = [str(folder / path) for path in pipeline.files() if folder / path not in paths]
    bootstrap = program.command(*pipeline.bootstrap())
    lock_command = program.command("infra", "lock", "--output", str(folder / f".{provider}/sm-tuning.txt"))
    if as_json:
        echo_json({"written": written, "left": left, "paths": pipeline.paths(), "bootstrap": bootstrap, "lock": lock_command})
        return
    echo(f"wrote {' and '.join(written)}")
    for path in left:
        echo(
            f"left as it is:      {path}; updates of github-actions, of pip in /.github and of docker in /{context} belong in it"
        )
    echo(f"launches on:        changes of {', '.join(pipeline.paths())}")
    if not (folder / job).exists():
        tuning = f".{provider}/{'workflows/' if provider == 'github' else ''}tuning.yml"
        echo(f"missing:            {folder / job}; add the folders of its script and data to `paths` of {folder / tuning}")
    if not (folder / context / "Dockerfile").exists():
        echo(f"missing:            {folder / context}/Dockerfile")
    echo(f"lock its packages:  {lock_command}")
    echo(f"as administrator:   {bootstrap}")


def reads(job_file: Path, repository: Path) -> tuple[list[str], list[str]]:
    """Which files and which folders of its repository a tuning job reads beside its own file; none if that is not there.

    Raises Invalid for a job file that cannot be read, and for what lies outside of the repository.
    """
    if not job_file.exists():
        return [], []
    paths = []
    for definition in load(job_file, TuningJobSpec, role=LOCAL_ROLE, output=LOCAL_OUTPUT).definitions:
        if (script := definition.script) is not None:  # alone, it brings the modules beside it
            paths.append(Path(script.entry).parent if script.source is None else Path(script.source))
        paths += [channel.path for channel in definition.channels if channel.path is not None]
    root = repository.absolute()
    inside = {path: Path(os.path.relpath(path.absolute(), root)).as_posix() for path in paths}
    if outside := [str(path) for path in paths if inside[path].startswith("..")]:
        raise Invalid(f"{job_file} reads {outside[0]}, which is outside of the repository {root}: a pipeline has no such file")
    files = [name for path, name in inside.items() if path.is_file()]
    return files, [name for name in inside.values() if name not in files]


def lock(*, requirements: Sequence[str], output: Path | None, as_json: bool) -> None:
    """Say the exact packages, with their hashes, that a pipeline installs; wheels of this machine are copied beside the lock."""
    wanted = requirements or [f"sm-tuning[cli]=={version('sm-tuning')}"]
    report = resolve(wanted)
    text = locked(report, wanted)
    copied = []
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
        copied = [output.parent / wheel.name for wheel in wheels(report)]
        for wheel, copy in zip(wheels(report), copied, strict=True):
            if not copy.exists() or not copy.samefile(wheel):
                shutil.copyfile(wheel, copy)
    if as_json:
        echo_json({"lock": text, "wheels": [str(copy) for copy in copied]})
    elif output is None:
        echo(text.rstrip())
    else:
        echo(f"wrote {' and '.join(str(path) for path in (output, *copied))}" + ("; commit both" if copied else ""))
