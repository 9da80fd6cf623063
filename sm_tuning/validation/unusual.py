"""Unusual values: they break no rule, but are seldom meant."""

import ast
import math
from collections.abc import Iterator
from pathlib import Path

from sm_tuning.rules.limits import MAX_PARALLEL
from sm_tuning.spec.definition import Definition
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.parameters import Continuous, Scaling
from sm_tuning.spec.script import Script
from sm_tuning.validation.local_checks import missing_files
from sm_tuning.validation.local_files import files_of
from sm_tuning.validation.script_files import parsed, script_files

_DECADES_FOR_LOG = 2.0
_QUOTA_PARALLEL = 10  # AWS's default for one tuning job
_OBJECTIVE = "_tuning_objective_metric"


def unusual(job: TuningJobSpec) -> Iterator[str]:
    """A sentence for each unusual value."""
    if job.max_jobs is not None and job.max_parallel > job.max_jobs:
        yield f"max_parallel is {job.max_parallel}, more than there are training jobs ({job.max_jobs})"
    elif _QUOTA_PARALLEL < job.max_parallel <= MAX_PARALLEL:
        yield f"max_parallel is {job.max_parallel}; an account may run {_QUOTA_PARALLEL} at a time unless its quota was raised"
    for _, part in job.parts():
        yield from _part_warnings(part)


def _part_warnings(part: Definition) -> Iterator[str]:
    for metric in (*([part.objective.metric] if part.objective else []), *part.metrics):
        yield from metric.warnings()
    for parameter in part.ranges:
        if not isinstance(parameter, Continuous) or parameter.scaling is not Scaling.LINEAR or parameter.low <= 0:
            continue
        decades = math.log10(parameter.high / parameter.low)
        if decades >= _DECADES_FOR_LOG:
            yield f"{parameter.name} spans {decades:.0f} powers of ten on a linear scale: nine of ten points lie in the last"
    if _OBJECTIVE in part.hyperparameters:
        yield f"AWS sets the hyperparameter {_OBJECTIVE!r} itself, to the objective's name"
    for channel in part.channels:
        if channel.path is not None and channel.path.exists():
            yield from files_of(channel.path).omissions(f"the channel {channel.name}")
    if part.script is not None and not [*missing_files(part.script)]:
        yield from script_files(part.script).omissions("script.source" if part.script.source is not None else "script.entry")
    yield from _script_warnings(part)


def _script_warnings(part: Definition) -> Iterator[str]:
    """Hyperparameters that a script, with the modules beside it that it imports, does not seem to take from its command line."""
    if part.script is None or not part.script.entry.endswith(".py"):
        return
    mentioned = _mentioned(Path(part.script.source or ".") / part.script.entry)
    if "add_argument" not in mentioned:  # it reads its hyperparameters in another way
        return
    for name in [parameter.name for parameter in part.ranges] + list(part.hyperparameters):
        if not any(spelling in text for spelling in (name, name.replace("_", "-")) for text in mentioned):
            yield f"the script {part.script.entry} does not mention the hyperparameter {name!r}"


def _mentioned(entry: Path) -> set[str]:
    """Names and texts in the code of a script and of the modules that are sent with it; docstrings and comments are none."""
    mentioned: set[str] = set()
    for path in (path for _, path in script_files(Script(str(entry))).files if path.suffix == ".py"):
        tree = parsed(path)
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                mentioned.add(node.value)
            elif isinstance(node, ast.Name | ast.Attribute | ast.arg | ast.keyword):
                mentioned.add(getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None) or "")
    return mentioned
