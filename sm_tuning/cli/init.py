"""The command that begins a tuning job: a job file and a training script whose lines explain themselves."""

import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from sm_tuning import program
from sm_tuning.cli.output import echo, echo_json
from sm_tuning.cli.skeletons import FRAMEWORKS
from sm_tuning.errors import Invalid

_MOST = 16  # characters of the tuning job's name, to which `run` adds date and time


def init(*, folder: Path, framework: str, as_json: bool) -> None:
    """Write job.toml and train.py to a folder; nothing is overwritten."""
    contents = {folder / "job.toml": _job_file(folder, framework), folder / "train.py": _text(framework, "train.py")}
    if existing := [str(path) for path in contents if path.exists()]:
        verb = "exists" if len(existing) == 1 else "exist"
        raise Invalid(f"{' and '.join(existing)} {verb} already, and nothing is overwritten; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in contents.items():
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    job, script = map(str, contents)
    modules, distributions = (words.split() for words in FRAMEWORKS[framework])
    missing = [module for module in modules if find_spec(module) is None]
    if as_json:
        echo_json({"job": job, "script": script, "framework": framework, "missing": distributions if missing else []})
        return
    echo(f"wrote {job} and {script}")
    if missing:
        install = program.python("-m", "pip", "install", *distributions)
        echo(f"first:          {install}  (this Python, which runs the script, has no {', '.join(missing)})")
    echo(f"try the script: {program.python(script)}")
    echo(f"check the job:  {program.command('plan', job)}")
    echo(f"run it here:    {program.command('run', job)}")


def _job_file(folder: Path, framework: str) -> str:
    """The text of a job file."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", folder.resolve().name)[:_MOST].strip("-") or "tuning"
    text = _text("head.toml") + _text(framework, "tuned.toml") + _text("tail.toml")
    return Template(text).substitute(name=name)


def _text(*path: str) -> str:
    return files("sm_tuning.cli.skeletons").joinpath(*path).read_text(encoding="utf-8")
