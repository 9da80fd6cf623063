"""The rules that only this machine can check: the files that a tuning job names."""

import sys
from collections.abc import Iterator
from pathlib import Path

from sm_tuning.rules.registry import Section
from sm_tuning.rules.violation import Violation
from sm_tuning.spec.definition import Definition
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.script import Script
from sm_tuning.validation.local_files import files_of
from sm_tuning.validation.requirements import requirements_of
from sm_tuning.validation.script_files import syntax_error

LOCAL: Section[TuningJobSpec] = Section("Files of this machine", "The dry run alone checks them.")


@LOCAL.rule("channel-missing", "a channel's local data are there")
def _channel_missing(job: TuningJobSpec) -> Iterator[Violation]:
    for prefix, part in _parts(job):
        for channel in part.channels:
            path = f"{prefix}.InputDataConfig.{channel.name}"
            if channel.path is not None and not channel.path.exists():
                yield Violation(path, channel.source, "it is neither an s3:// URI nor a file or folder here")
            elif channel.path is not None and not files_of(channel.path).files:
                requirement = "it holds no file that can be read; AWS refuses a channel without data"
                yield Violation(path, channel.source, requirement)


@LOCAL.rule("script-missing", "the script, or its folder, is there")
def _script_missing(job: TuningJobSpec) -> Iterator[Violation]:
    for _, part in _parts(job):
        if part.script is not None:
            yield from missing_files(part.script)


@LOCAL.rule("script-syntax", "Python can read the script")
def _script_syntax(job: TuningJobSpec) -> Iterator[Violation]:
    for _, part in _parts(job):
        if part.script is None:
            continue
        error = syntax_error(Path(part.script.source or ".") / part.script.entry)
        if error is not None:
            line = "" if error.lineno is None else f"line {error.lineno}: "
            version = f"Python {sys.version_info.major}.{sys.version_info.minor}"
            yield Violation("script.entry", part.script.entry, f"{version} cannot read it: {line}{error.msg}")


@LOCAL.rule("requirements-syntax", "pip can read the `requirements.txt` of the script's folder")
def _requirements_syntax(job: TuningJobSpec) -> Iterator[Violation]:
    for _, part in _parts(job):
        requirements = None if part.script is None else requirements_of(part.script)
        for fault in () if requirements is None else requirements.faults:
            yield Violation("script.source", getattr(part.script, "source", None), fault)


def missing_files(script: Script) -> Iterator[Violation]:
    """A violation if the script or its folder is missing."""
    root = Path(script.source) if script.source is not None else Path()
    if script.source is not None and not root.is_dir():
        yield Violation("script.source", script.source, "there is no such folder")
    elif not (root / script.entry).is_file():
        folder = f" in {root}" if script.source else ""
        yield Violation("script.entry", script.entry, f"there is no such file{folder}")


def _parts(job: TuningJobSpec) -> Iterator[tuple[str, Definition]]:
    """Every definition, and the path to it in the request."""
    for index, (_, part) in enumerate(job.parts()):
        yield f"TrainingJobDefinitions[{index}]" if job.several else "TrainingJobDefinition", part
