"""A tuning job written in TOML, in the same words as the Python names."""

import difflib
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

from sm_tuning.errors import Invalid
from sm_tuning.rules.violation import Violation
from sm_tuning.spec import parameters, strategies
from sm_tuning.spec.channels import Channel, Dataset, FileSystem
from sm_tuning.spec.data_scaling import DataScaling
from sm_tuning.spec.definition import Definition
from sm_tuning.spec.job import Completion, TuningJobSpec, WarmStart
from sm_tuning.spec.metrics import Metric, Objective
from sm_tuning.spec.resources import Instance, InstanceGroup, Placement, Resources
from sm_tuning.spec.script import Script
from sm_tuning.spec.security import Encryption, Network
from sm_tuning.spec.value_types import WrongTypes

_Job = TypeVar("_Job", bound=TuningJobSpec)
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
_SCALING = "data_scaling"
_SCALING_BEFORE_0_2 = "learning_curve"
_ENDS = 2  # of a range
_FORMS: Mapping[str, set[str]] = {
    "preset": {"preset", "low", "high"},
    "auto": {"auto"},
    "values": {"values"},
    "low and high": {"low", "high", "scaling", "integer"},
}


def load(path: Path, kind: type[_Job], *, role: str | None = None, output: str | None = None) -> _Job:
    """The tuning job of a TOML file, with a role and an output if it names none; None for those that it must name.

    Relative paths in it are relative to the file. Raises Invalid, which is WrongTypes if values have wrong types.
    """
    facts = {name: value for name, value in _facts(path).items() if name not in {_SCALING, _SCALING_BEFORE_0_2}}
    defaults = {name: value for name, value in (("role", role), ("output", output)) if value is not None}
    try:
        job = kind(**_job({**defaults, **facts}, path.parent))
        job.require_types()
    except WrongTypes as error:
        raise error.in_file(path) from error
    except Invalid as error:
        raise Invalid(f"{path}: {error}") from error
    return job


def load_data_scaling(path: Path) -> DataScaling:
    """The shares of the training set that a TOML file asks for, or the usual ones. Raises Invalid."""
    facts = _facts(path)
    name = _SCALING_BEFORE_0_2 if _SCALING_BEFORE_0_2 in facts else _SCALING
    if {_SCALING, _SCALING_BEFORE_0_2} <= set(facts):
        raise Invalid(f"{path}: {_SCALING_BEFORE_0_2} is the name of {_SCALING} before 0.2; give only {_SCALING}")
    try:
        made: DataScaling = _made(name, DataScaling, facts.get(name, {}))
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


def _table(where: str, facts: object) -> Mapping[str, Any]:
    if not isinstance(facts, Mapping):
        raise WrongTypes([Violation(where, facts, "it must be a table", rule="model-type")])
    return facts


def _known(where: str, facts: object, names: Collection[str]) -> Mapping[str, Any]:
    """A table whose keys are all known."""
    table = _table(where, facts)
    for name in table:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(names))}"
            raise Invalid(f"{where} has an unknown key {name!r}{hint}")
    return table


def _listed(where: str, facts: object) -> Sequence[Any]:
    """A list of tables."""
    if not isinstance(facts, list):
        raise WrongTypes([Violation(where, facts, "it must be a list", rule="model-type")])
    return facts


def _made(where: str, kind: Callable[..., Any], facts: object) -> Any:  # noqa: ANN401 - any dataclass
    """A builder from a table of its arguments."""
    described = fields(kind) if isinstance(kind, type) else ()
    table = _known(where, facts, {one.name for one in described})
    for one in described:
        if one.name not in table and one.default is MISSING and one.default_factory is MISSING:
            raise Invalid(f"{where}.{one.name} is missing; it is required")
    try:
        return kind(**table)
    except WrongTypes as error:
        raise error.below(where) from error
    except Invalid as error:
        raise Invalid(f"{where}: {error}") from error


def _job(facts: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """Arguments of a tuning job."""
    _known("the file", facts, {field.name for kind in (TuningJobSpec, Definition) for field in fields(kind)})
    needed = ("name", "strategy") if "definitions" in facts else ("name", "objective", "ranges", "strategy")
    missing = [name for name in needed if name not in facts]
    for name in missing:
        raise Invalid(f"{name} is missing; it is required")
    of_aws = [name for name in ("role", "output") if name not in facts]
    if of_aws:
        names, verb = " and ".join(of_aws), "are" if len(of_aws) > 1 else "is"
        raise Invalid(
            f"{names} {verb} missing; AWS needs a role and an output of your account: name them in the file, or give --stack"
        )
    members = _members(facts, base)
    members["strategy"] = _strategy(facts["strategy"])
    if "definitions" in facts:
        members["definitions"] = [_definition(table, base) for table in _listed("definitions", facts["definitions"])]
    return members


def _definition(facts: object, base: Path) -> Definition:
    table = _known("definitions", facts, {one.name for one in fields(Definition)})
    if "name" not in table:
        raise Invalid("definitions.name is missing; it is required")
    try:
        return Definition(**_members(table, base))
    except WrongTypes as error:
        raise error.below(f"definitions.{table['name']}") from error
    except Invalid as error:
        raise Invalid(f"definitions.{table['name']}: {error}") from error


def _members(facts: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """What a tuning job and a definition have in common."""
    members: dict[str, Any] = {name: value for name, value in facts.items() if name not in _MADE}
    members |= {name: _made(name, kind, facts[name]) for name, kind in _PARTS.items() if name in facts}
    if "objective" in facts:
        members["objective"] = _objective(facts["objective"])
    if "metrics" in facts:
        members["metrics"] = [_made("metrics", Metric, table) for table in _listed("metrics", facts["metrics"])]
    if "ranges" in facts:
        members["ranges"] = [_range(name, form) for name, form in _table("ranges", facts["ranges"]).items()]
    if "channels" in facts:
        members["channels"] = [_channel(table, base) for table in _listed("channels", facts["channels"])]
    if "resources" in facts:
        members["resources"] = _resources(facts["resources"])
    if "script" in facts:
        members["script"] = _script(facts["script"], base)
    return members


def _objective(facts: object) -> Objective:
    table = dict(_known("objective", facts, {"metric", "goal", "regex", "sample"}))
    name = table.pop("metric", None)
    if name is None:
        raise Invalid("objective.metric is missing; it is required")
    if not isinstance(name, str):
        raise WrongTypes([Violation("objective.metric", name, "it must be text", rule="model-type")])
    goal = {"goal": table.pop("goal")} if "goal" in table else {}
    metric = _made("objective", Metric, {"name": name, **table})
    made: Objective = _made("objective", Objective, {"metric": metric, **goal})
    return made


def _resources(facts: object) -> Resources:
    table = dict(_known("resources", facts, {one.name for one in fields(Resources)}))
    for name, kind in _RESOURCES.items():
        table[name] = [_made(f"resources.{name}", kind, one) for one in _listed(f"resources.{name}", table.get(name, []))]
    if "placement" in table:
        table["placement"] = _made("resources.placement", Placement, table["placement"])
    made: Resources = _made("resources", Resources, table)
    return made


def _range(name: str, facts: object) -> parameters.Range:
    """A preset's name, a list of values, or a table of one of the forms."""
    where = f"ranges.{name}"
    if isinstance(facts, list):
        if name in _PRESETS and len(facts) == _ENDS and all(type(value) in {int, float} for value in facts):
            low, high = facts
            raise Invalid(
                f"{where} is {facts}, which may mean two values or a range; write {{ values = {facts} }} for the two values, "
                f"or {{ low = {low}, high = {high} }} for all between them"
            )
        facts = {"values": facts}
    table = _known(where, facts, set().union(*_FORMS.values()))
    form = _form(name, table)
    if unused := sorted(set(table) - _FORMS[form]):
        raise Invalid(f"{where} has {', '.join(unused)}, which does not go together with {form}")
    try:
        return _range_of(form, name, table)
    except WrongTypes as error:
        raise error.below("ranges") from error
    except Invalid as error:
        raise Invalid(f"ranges.{error}" if str(error).startswith(f"{name}: ") else f"{where}: {error}") from error


def _form(name: str, table: Mapping[str, Any]) -> str:
    for form in ("preset", "auto", "values"):
        if form in table:
            return form
    return "preset" if name in _PRESETS and not {"scaling", "integer"} & set(table) else "low and high"


def _range_of(form: str, name: str, table: Mapping[str, Any]) -> parameters.Range:
    if form == "auto":
        return parameters.Auto(name, table["auto"])
    if form == "values":
        return parameters.Categorical(name, table["values"])
    ends = {end: table[end] for end in ("low", "high") if end in table}
    if form == "preset":
        preset = table.get("preset", name)
        if not isinstance(preset, str) or preset not in _PRESETS:
            raise Invalid(f"{name}: preset is {preset!r}; it must be one of {', '.join(_PRESETS)}")
        return _PRESETS[preset](**ends, name=name)
    for end in ("low", "high"):
        if end not in ends:
            raise Invalid(
                f"{name}: {end} is missing; a range that is no preset ({', '.join(_PRESETS)}) has low and high, or values"
            )
    whole = table.get("integer", all(isinstance(end, int) for end in ends.values()))
    if not isinstance(whole, bool):
        raise Invalid(f"{name}: integer is {whole!r}; it must be true or false")
    kind = parameters.Integer if whole else parameters.Continuous
    return kind(name, **ends, scaling=table.get("scaling", parameters.Scaling.AUTO))


def _strategy(facts: object) -> strategies.Strategy:
    table = {"name": facts} if isinstance(facts, str) else dict(_known("strategy", facts, {"name", *_strategy_fields()}))
    name = table.pop("name", None)
    if not isinstance(name, str) or name not in _STRATEGIES:
        raise Invalid(f"strategy.name is {name!r}; it must be one of {', '.join(_STRATEGIES)}")
    made: strategies.Strategy = _made("strategy", _STRATEGIES[name], table)
    return made


def _strategy_fields() -> set[str]:
    return {one.name for kind in _STRATEGIES.values() for one in fields(kind)}


def _script(facts: object, base: Path) -> Script:
    table = {"entry": facts} if isinstance(facts, str) else dict(_known("script", facts, {"entry", "source"}))
    local = "source" if "source" in table else "entry"
    if isinstance(table.get(local), str):
        table[local] = str(base / table[local])
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
