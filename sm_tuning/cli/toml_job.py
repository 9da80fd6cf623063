"""A tuning job written in TOML, in the same words as the Python names."""

import difflib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from sm_tuning import parameters, strategies
from sm_tuning.definition import Definition
from sm_tuning.errors import Invalid
from sm_tuning.learning_curve import LearningCurve
from sm_tuning.objective import Metric, Objective
from sm_tuning.training import (
    Channel,
    Completion,
    Dataset,
    Encryption,
    FileSystem,
    Instance,
    InstanceGroup,
    Network,
    Placement,
    Resources,
    Script,
    WarmStart,
)
from sm_tuning.tuning_job import TuningJob

LOCAL_ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
LOCAL_OUTPUT = "s3://sm-tuning-local"

_PRESETS: Mapping[str, Callable[..., parameters.Range]] = {
    "learning_rate": parameters.learning_rate,
    "batch_size": parameters.batch_size,
    "epochs": parameters.epochs,
    "regularization": parameters.regularization,
    "dropout": parameters.dropout,
}
_STRATEGIES = {kind.__name__: kind for kind in (strategies.Grid, strategies.Random, strategies.Bayesian, strategies.Hyperband)}
_RESOURCES = {"alternatives": Instance, "groups": InstanceGroup, "preferences": Instance}
_PARTS: Mapping[str, type] = {"completion": Completion, "network": Network, "encryption": Encryption, "warm_start": WarmStart}
_MADE = {"objective", "ranges", "strategy", "script", "metrics", "channels", "resources", "definitions", *_PARTS}
_CURVE = "learning_curve"
_RANGE = {"preset", "low", "high", "values", "scaling", "integer", "auto"}


def load(path: Path, role: str = LOCAL_ROLE, output: str = LOCAL_OUTPUT) -> TuningJob:
    """The tuning job of a TOML file, with a role and an output if it names none.

    Relative paths in it are relative to the file. Raises Invalid.
    """
    facts = {name: value for name, value in _facts(path).items() if name != _CURVE}
    try:
        return _job({"role": role, "output": output, **facts}, path.parent)
    except Invalid as error:
        raise Invalid(f"{path}: {error}") from error


def load_learning_curve(path: Path) -> LearningCurve:
    """The shares of the training set that a TOML file asks for, or the usual ones. Raises Invalid."""
    try:
        made: LearningCurve = _made(_CURVE, LearningCurve, _facts(path).get(_CURVE, {}))
    except Invalid as error:
        raise Invalid(f"{path}: {error}") from error
    return made


def _facts(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is no TOML: {error}") from error


def _known(where: str, facts: object, names: set[str]) -> Mapping[str, Any]:
    """A table whose keys are all known."""
    if not isinstance(facts, Mapping):
        raise Invalid(f"{where} is {facts!r}; it must be a table")
    for name in facts:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(names))}"
            raise Invalid(f"{where} has an unknown key {name!r}{hint}")
    return facts


def _made(where: str, kind: Callable[..., Any], facts: object) -> Any:  # noqa: ANN401 - any dataclass
    names = {one.name for one in fields(kind)} if isinstance(kind, type) else set()
    table = _known(where, facts, names)
    try:
        return kind(**table)
    except TypeError as error:
        raise Invalid(f"{where}: {error}") from error
    except Invalid as error:
        raise Invalid(f"{where}: {error}") from error


def _job(facts: Mapping[str, Any], base: Path) -> TuningJob:
    _known("the file", facts, {one.name for one in fields(TuningJob)})
    needed = ("name", "strategy") if "definitions" in facts else ("name", "objective", "ranges", "strategy")
    for name in needed:
        if name not in facts:
            raise Invalid(f"{name} is missing; it is required")
    members = _members(facts, base)
    members["strategy"] = _strategy(facts["strategy"])
    members["definitions"] = [_definition(one, base) for one in facts.get("definitions", ())]
    try:
        return TuningJob(**members)
    except TypeError as error:
        raise Invalid(str(error)) from error


def _definition(facts: object, base: Path) -> Definition:
    table = _known("definitions", facts, {one.name for one in fields(Definition)})
    if "name" not in table:
        raise Invalid("definitions.name is missing; it is required")
    try:
        return Definition(**_members(table, base))
    except Invalid as error:
        raise Invalid(f"definitions.{table['name']}: {error}") from error


def _members(facts: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """What a tuning job and a definition have in common."""
    members: dict[str, Any] = {name: value for name, value in facts.items() if name not in _MADE}
    members |= {name: _made(name, kind, facts[name]) for name, kind in _PARTS.items() if name in facts}
    if "objective" in facts:
        objective = _known("objective", facts["objective"], {"metric", "goal", "regex", "sample"})
        metric = {name if name != "metric" else "name": value for name, value in objective.items() if name != "goal"}
        members["objective"] = Objective(_made("objective", Metric, metric), str(objective.get("goal", "")))
    members["metrics"] = [_made("metrics", Metric, one) for one in facts.get("metrics", ())]
    ranges = facts.get("ranges", {})
    members["ranges"] = [_range(name, one) for name, one in _known("ranges", ranges, set(ranges)).items()]
    members["channels"] = [_channel(one, base) for one in facts.get("channels", ())]
    if "resources" in facts:
        members["resources"] = _resources(facts["resources"])
    if "script" in facts:
        members["script"] = _script(facts["script"], base)
    return members


def _resources(facts: object) -> Resources:
    table = dict(_known("resources", facts, {one.name for one in fields(Resources)}))
    for name, kind in _RESOURCES.items():
        table[name] = [_made(f"resources.{name}", kind, one) for one in table.get(name, ())]
    if "placement" in table:
        table["placement"] = _made("resources.placement", Placement, table["placement"])
    made: Resources = _made("resources", Resources, table)
    return made


def _range(name: str, facts: object) -> parameters.Range:
    """A preset's name, a list of values, or a table of low, high and scaling."""
    where = f"ranges.{name}"
    if isinstance(facts, Sequence) and not isinstance(facts, str):
        return parameters.Categorical(name, list(facts))
    table = _known(where, facts, _RANGE)
    ends = {member: table[member] for member in ("low", "high") if member in table}
    preset = table.get("preset", name if name in _PRESETS and not {"scaling", "values", "auto"} & set(table) else None)
    try:
        if preset is not None:
            if preset not in _PRESETS:
                raise Invalid(f"{where}.preset is {preset!r}; it must be one of {', '.join(_PRESETS)}")
            return _PRESETS[preset](**ends, name=name)
        if "auto" in table:
            return parameters.Auto(name, table["auto"])
        if "values" in table:
            return parameters.Categorical(name, table["values"])
        scaling = parameters.Scaling(table.get("scaling", "Auto"))
        whole = table.get("integer", all(isinstance(end, int) for end in ends.values()))
        kind = parameters.Integer if whole else parameters.Continuous
        return kind(name, **ends, scaling=scaling)
    except (TypeError, ValueError) as error:
        raise error if isinstance(error, Invalid) else Invalid(f"{where}: {error}") from error


def _strategy(facts: object) -> strategies.Strategy:
    table = {"name": facts} if isinstance(facts, str) else dict(_known("strategy", facts, {"name", *_strategy_fields()}))
    kind = _STRATEGIES.get(str(table.pop("name", "")))
    if kind is None:
        raise Invalid(f"strategy.name must be one of {', '.join(_STRATEGIES)}")
    made: strategies.Strategy = _made("strategy", kind, table)
    return made


def _strategy_fields() -> set[str]:
    return {one.name for kind in _STRATEGIES.values() for one in fields(kind)}


def _script(facts: object, base: Path) -> Script:
    table = {"entry": facts} if isinstance(facts, str) else dict(_known("script", facts, {"entry", "source"}))
    if "source" in table:
        table["source"] = str(base / table["source"])
    elif "entry" in table:
        table["entry"] = str(base / table["entry"])
    made: Script = _made("script", Script, table)
    return made


def _channel(facts: object, base: Path) -> Channel:
    table = dict(_known("channels", facts, {one.name for one in fields(Channel)}))
    source = table.get("source")
    if isinstance(source, Mapping):
        table["source"] = _made("channels.source", Dataset if "arn" in source else FileSystem, source)
    elif isinstance(source, str) and not source.startswith("s3://"):
        table["source"] = str(base / source)
    made: Channel = _made("channels", Channel, table)
    return made
