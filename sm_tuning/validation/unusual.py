"""Unusual values: they break no rule, but are seldom meant."""

import ast
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from sm_tuning.rules import catalogue
from sm_tuning.rules.limits import MAX_PARALLEL
from sm_tuning.rules.metric_names import goal_contradicts
from sm_tuning.rules.metric_pairs import about_comparison
from sm_tuning.rules.training_toolkit import PACKAGE, flag
from sm_tuning.spec.definition import Definition
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.log_lines import shown
from sm_tuning.spec.metrics import Objective
from sm_tuning.spec.parameters import Categorical, Continuous, Scaling
from sm_tuning.spec.s3 import is_uri, split_uri
from sm_tuning.spec.script import Script
from sm_tuning.validation.local_checks import missing_files
from sm_tuning.validation.local_files import files_of
from sm_tuning.validation.matches import samples, several_in_a_line, values_of_others
from sm_tuning.validation.requirements import FILE, is_package, not_installed
from sm_tuning.validation.script_files import parsed, script_files

_DECADES_FOR_LOG = 2.0
_QUOTA_PARALLEL = 10  # AWS's default for one tuning job
_VARIABLE, _FOLDER = "SM_CHANNEL_", "/opt/ml/input/data/"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
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
    if part.objective is not None:
        yield from _goal_warnings(part.objective)
    metrics = part.all_metrics
    for metric in metrics:
        yield from metric.warnings()
    yield from several_in_a_line(metrics, samples(metrics))
    yield from values_of_others(metrics)
    yield from _comparison_warnings(part)
    for parameter in part.ranges:
        if not isinstance(parameter, Continuous) or parameter.scaling is not Scaling.LINEAR or parameter.low <= 0:
            continue
        decades = math.log10(parameter.high / parameter.low)
        if decades >= _DECADES_FOR_LOG:
            yield f"{parameter.name} spans {decades:.0f} powers of ten on a linear scale: nine of ten points lie in the last"
    if _OBJECTIVE in part.hyperparameters:
        yield f"AWS sets the hyperparameter {_OBJECTIVE!r} itself, to the objective's name"
    yield from _bucket_warnings(part)
    for channel in part.channels:
        if channel.path is not None and channel.path.exists():
            yield from files_of(channel.path).omissions(f"the channel {channel.name}")
    if part.script is not None and not [*missing_files(part.script)]:
        yield from _script_warnings(part, part.script)


def _goal_warnings(objective: Objective) -> Iterator[str]:
    """A goal to look for the worst model, by the metric's name; a loss that the sample shows negated is none."""
    negated = any(value < 0 for line in shown(objective.metric.sample or "") for value in objective.metric.values(line))
    if goal_contradicts(objective.name, objective.goal) and not (objective.higher_is_better and negated):
        better, goal = ("less", "Minimize") if objective.higher_is_better else ("more", "Maximize")
        yield (
            f"the goal is {objective.goal}, but by its name {better} of {objective.name} is better: the tuning job would look for the "
            f"worst model; write {goal}, or give the metric a name that says what is printed, such as neg_loss for a loss below 0"
        )


def _comparison_warnings(part: Definition) -> Iterator[str]:
    """What will not be compared in the diagnosis; AWS's own algorithms and scripts print what they print."""
    source = str(part.hyperparameters.get("sagemaker_submit_directory", "")).strip('"')
    objective = part.objective
    if objective is None or objective.metric.regex is None or catalogue.of_source(source) is not None:
        return
    if about := about_comparison([metric.name for metric in part.all_metrics], objective.name):
        yield about


def _bucket_warnings(part: Definition) -> Iterator[str]:
    """Buckets that nobody can make today; some of before 2018 have other names, so AWS takes them in a request."""
    channels = [(f"the channel {channel.name}", channel.uri("")) for channel in part.channels if channel.path is None]
    for where, uri in [("output", part.output or ""), *channels, ("resources.checkpoints", part.resources.checkpoints or "")]:
        if is_uri(uri) and not _BUCKET.fullmatch(bucket := split_uri(uri)[0]):
            yield (
                f"{where} names the bucket {bucket!r}; a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens, "
                "the first and the last a letter or a digit"
            )


def _script_warnings(part: Definition, script: Script) -> Iterator[str]:
    """What a script is sent without, and what it, with the modules beside it that it imports, does not seem to take, or to have."""
    sent = script_files(script)
    yield from sent.omissions("script.source" if script.source is not None else "script.entry")
    if not script.entry.endswith(".py"):
        return
    if script.source is None and (Path(script.entry).parent / FILE).is_file():
        yield f"{FILE} beside {script.entry} is not sent, so nothing of it is installed: name the folder in script.source"
    if dependencies := not_installed(script):
        reads = f"AWS's training toolkit reads {PACKAGE} and {FILE}, no pyproject.toml"
        yield f"nothing installs {', '.join(dependencies)}, on which {script.source} depends: {reads}"
    if is_package(script) and "/" in script.entry:
        module = script.entry.removesuffix(".py")
        starts = f"AWS's training toolkit starts `python -m {module}`"
        yield f"{script.source} has a {PACKAGE}, so {starts}, which is no module: put it beside {PACKAGE}"
    modules = sent if script.source is None else script_files(Script(str(Path(script.source) / script.entry)))
    code = [[*ast.walk(parsed(path))] for _, path in modules.files if path.suffix == ".py"]
    yield from _missing_channels(part, script, code)
    arguments = [argument for nodes in code for argument in _arguments(nodes)]
    yield from _not_integers(part, script, {argument.lstrip("-") for argument, is_integer in arguments if is_integer})
    mentioned = {text for nodes in code for text in _mentioned(nodes)}
    if "add_argument" not in mentioned:  # it reads its hyperparameters in another way
        return
    flags = sorted({argument for argument, _ in arguments if argument.startswith("-")})
    for name in [parameter.name for parameter in part.ranges] + list(part.hyperparameters):
        given = flag(name)
        if given not in flags and (taken := [each for each in flags if _bare(each) == _bare(given)]):
            yield f"the script {script.entry} takes {taken[0]}, but gets {given}: the hyperparameter {name!r} does not arrive"
        elif not any(spelling in text for spelling in (name, name.replace("_", "-")) for text in mentioned):
            yield f"the script {script.entry} does not mention the hyperparameter {name!r}"


def _arguments(nodes: Sequence[ast.AST]) -> Iterator[tuple[str, bool]]:
    """What code takes with argparse, such as `--depth`, and whether as `type=int`."""
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            types = [keyword.value for keyword in node.keywords if keyword.arg == "type"]
            is_integer = any(isinstance(kind, ast.Name) and kind.id == "int" for kind in types)
            names = [name.value for name in node.args if isinstance(name, ast.Constant) and isinstance(name.value, str)]
            yield from ((name, is_integer) for name in names)


def _bare(argument: str) -> str:
    """What a flag says whatever its dashes and hyphens are, all of which count for argparse."""
    return argument.lstrip("-").replace("-", "_")


def _not_integers(part: Definition, script: Script, names: set[str]) -> Iterator[str]:
    """Hyperparameters whose values a script with `type=int` ends at: `invalid int value: '4.12'`."""
    for parameter in part.ranges:
        if parameter.name not in names:
            continue
        takes = f"the script {script.entry} takes {parameter.name} as an integer (type=int)"
        if isinstance(parameter, Continuous):
            low, high = math.ceil(parameter.low), math.floor(parameter.high)
            remedy = f": write low = {low}, high = {high} (in Python an Integer), without a decimal point" if low < high else ""
            yield f"{takes} and fails at a fraction{remedy}"
        elif isinstance(parameter, Categorical):
            fractions = [str(value) for value in parameter.values if not _is_integer(str(value))]
            if fractions:
                yield f"{takes} and fails at the values {', '.join(fractions)}"
    for name, value in part.hyperparameters.items():
        if name in names and not _is_integer(str(value)):
            yield f"the script {script.entry} takes {name} as an integer (type=int) and fails at its value {value}"


def _is_integer(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True


def _docstrings(nodes: Sequence[ast.AST]) -> set[int]:
    """The identities of the nodes that are texts by themselves."""
    return {id(node.value) for node in nodes if isinstance(node, ast.Expr)}


def _mentioned(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Names and texts in code; docstrings and comments are none."""
    docstrings = _docstrings(nodes)
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value
        elif isinstance(node, ast.Name | ast.Attribute | ast.arg | ast.keyword):
            yield getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None) or ""


def _missing_channels(part: Definition, script: Script, code: Sequence[Sequence[ast.AST]]) -> Iterator[str]:
    """Channels that code cannot do without, and that there are none of."""
    names = [channel.name for channel in part.channels]
    there = {f"{_VARIABLE}{name.upper()}" for name in names}
    for source in dict.fromkeys(source for nodes in code for source in _channel_sources(nodes)):
        folder = source.removeprefix(_FOLDER)
        # A channel in Pipe mode is a file for each epoch, NAME_0 and following.
        if source not in there and folder not in names and re.sub(r"_\d+$", "", folder) not in names:
            channels = f"no channel has that name; the channels: {', '.join(names)}" if names else "there is no channel"
            yield f"the script {script.entry} reads {source}, but {channels}"


def _channel_sources(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Variables of channels that code takes as given (it only ever subscripts with the name), and folders of channels."""
    docstrings = _docstrings(nodes)
    fragments = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    taken = {id(node.slice) for node in nodes if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)}
    texts = [
        (node.value, id(node) in taken)
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | fragments
    ]
    optional = {text for text, is_taken in texts if not is_taken}
    for text, _ in texts:
        if text.startswith(_VARIABLE) and text not in optional:
            yield text
        elif match := re.match(rf"{_FOLDER}[^/]+", text):
            yield match[0]
