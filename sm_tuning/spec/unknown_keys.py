"""Where a key of a job file belongs that stands where nobody knows it: in another table, or under the name that AWS or its SDK has."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_args

from sm_tuning.spec.definition import Definition
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.strategies import STRATEGIES
from sm_tuning.spec.value_types import hints_of, options_of

_TOP = ("the file", "definitions")  # what messages call the tables whose keys have no table before them
_ALIKE = 0.8  # of difflib's measure, for keys of other tables
_MOST = 2  # places that are named; of more, none is meant

# What AWS's API and the SageMaker SDK call otherwise than a job file; without underscores, in lower case.
OTHER_NAMES: Mapping[str, Sequence[str]] = {
    name: keys.split()
    for names, keys in {
        "hyperparametertuningjobname basetuningjobname basejobname": "name",
        "maxnumberoftrainingjobs": "max_jobs",
        "maxparalleltrainingjobs maxparalleljobs": "max_parallel",
        "trainingjobearlystoppingtype earlystoppingtype enableearlystopping": "strategy.early_stopping",
        "randomseed": "strategy.seed",
        "strategyconfig": "strategy",
        "hyperparametertuningjobobjective tuningobjective": "objective",
        "metricname objectivemetricname": "objective.metric",
        "objectivetype": "objective.goal",
        "metricdefinitions": "objective.regex metrics",
        "parameterranges": "ranges",
        "hyperparameterranges": "ranges",
        "statichyperparameters": "hyperparameters",
        "inputdataconfig inputs": "channels",
        "rolearn": "role",
        "s3outputpath outputpath": "output",
        "trainingimage imageuri": "image",
        "algorithmname": "algorithm",
        "entrypoint": "script.entry",
        "sourcedir": "script.source",
        "resourceconfig": "resources",
        "volumesize volumesizeingb": "resources.volume_gb",
        "maxrun": "resources.max_runtime",
        "maxruntimeinseconds": "resources.max_runtime completion.max_runtime",
        "maxwaittimeinseconds": "resources.max_wait",
        "usespotinstances enablemanagedspottraining": "resources.spot",
        "checkpoints3uri": "resources.checkpoints",
        "checkpointlocalpath": "resources.checkpoint_path",
        "keepaliveperiodinseconds": "resources.keep_alive",
        "targetobjectivemetricvalue": "completion.target",
        "vpcconfig": "network",
        "securitygroupids": "network.security_groups",
        "enablenetworkisolation": "network.isolated",
        "enableintercontainertrafficencryption encryptintercontainertraffic": "network.encrypted",
        "outputkmskey": "encryption.output_key",
        "volumekmskey volumekmskeyid": "encryption.volume_key",
        "warmstartconfig": "warm_start",
        "maxretryattempts maximumretryattempts": "max_retries",
        "environmentvariables": "environment",
    }.items()
    for name in names.split()
}


def hint(table: str, key: str, names: Collection[str], presets: Collection[str]) -> str:
    """What a key was meant for that a table does not know.

    Args:
        table: What messages call the table.
        key: The key.
        names: The keys that the table knows.
        presets: Names of presets, which are keys of `ranges`.
    """
    if table == "strategy" and (kinds := [name for name, kind in STRATEGIES.items() if key in _names(kind)]):
        return f"it is a setting of {' and '.join(kinds)}"
    inside = "" if table in _TOP else f"{table}."
    own = [inside + name for name in names]
    paths = own + [path for path in known_paths(frozenset(presets)) if path not in own]
    plain = _plain(key)
    meant = [path for path in OTHER_NAMES.get(plain, ()) if path in paths] or _called(plain, paths)
    if not meant:
        near = difflib.get_close_matches(plain, [_plain(_last(path)) for path in paths], n=1, cutoff=_ALIKE)
        meant = _called(near[0], own) or _called(near[0], paths) if near else []
    if not 0 < len(meant) <= _MOST:
        meant = [inside + name for name in difflib.get_close_matches(key, names, n=1)]
    if not meant:
        return f"known are {', '.join(sorted(names))}"
    return f"did you mean {' or '.join(_written(path, inside) for path in meant)}?"


def _called(plain: str, paths: Sequence[str]) -> Sequence[str]:
    return [path for path in paths if _plain(_last(path)) == plain]


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _written(path: str, inside: str) -> str:
    if path.rpartition(".")[0] == inside.rstrip("."):
        return repr(path.removeprefix(inside))
    if "." not in path:
        return f"{path!r}, at the top of the file"
    if not path.startswith("strategy."):
        return repr(path)
    strategy = next(name for name in ("Bayesian", *STRATEGIES) if _last(path) in _names(STRATEGIES[name]))
    return f'{path!r}, as in strategy = {{ name = "{strategy}", {_last(path)} = … }}'


@cache
def known_paths(presets: frozenset[str]) -> Sequence[str]:
    """The keys of a job file and of its tables, with the names of the tables before them."""
    paths = [f"ranges.{preset}" for preset in sorted(presets)]
    paths += [f"strategy.{name}" for name in dict.fromkeys(name for kind in STRATEGIES.values() for name in _names(kind))]
    paths += [f"objective.{name}" for name in ("metric", "goal", "regex", "sample")]
    for kind in (TuningJobSpec, Definition):
        for name, annotation in hints_of(kind).items():
            paths.append(name)
            if name not in {"strategy", "objective", "ranges", "definitions"}:
                paths += [f"{name}.{inner}" for inner in _inner(annotation)]
    return list(dict.fromkeys(paths))


def _inner(annotation: Any) -> Sequence[str]:  # noqa: ANN401 - an annotation
    """The keys of a table, or of each table of a list."""
    options = [option for outer in options_of(annotation) for option in (outer, *get_args(outer))]
    return [name for option in options if is_dataclass(option) and isinstance(option, type) for name in _names(option)]


def _names(kind: type) -> Sequence[str]:
    return [field.name for field in fields(kind)]
