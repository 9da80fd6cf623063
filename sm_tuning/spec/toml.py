"""A tuning job written in TOML, in the same words as the Python names.

Tables become dataclasses by their annotations (`_Reader.value`). Only what TOML spells shorter than Python has a function of its own:
the strategy by its name, the objective with its metric, ranges by their hyperparameters, a script by its path.
"""

import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin

from sm_tuning.errors import Invalid
from sm_tuning.rules.violation import Violation
from sm_tuning.spec import parameters, strategies, unknown_keys
from sm_tuning.spec.channels import Channel
from sm_tuning.spec.data_scaling import DataScaling
from sm_tuning.spec.definition import Definition
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.metrics import Metric, Objective
from sm_tuning.spec.s3 import is_uri
from sm_tuning.spec.script import Script
from sm_tuning.spec.value_types import WrongTypes, hints_of, options_of

_Job = TypeVar("_Job", bound=TuningJobSpec)

PRESETS: Mapping[str, Callable[..., parameters.Range]] = {
    "learning_rate": parameters.learning_rate,
    "batch_size": parameters.batch_size,
    "epochs": parameters.epochs,
    "regularization": parameters.regularization,
    "dropout": parameters.dropout,
}
_SCALING = "data_scaling"
_SCALING_BEFORE_0_2 = "learning_curve"
_ENDS = 2  # of a range
FORMS: Mapping[str, set[str]] = {
    "preset": {"preset", "low", "high"},
    "auto": {"auto"},
    "values": {"values"},
    "low and high": {"low", "high", "scaling", "integer"},
}


def load(path: Path, kind: type[_Job], *, role: str | None = None, output: str | None = None) -> _Job:
    """The tuning job of a TOML file, with a role and an output if it names none; None for those that it must name.

    Relative paths in it are relative to the file. Raises Invalid, which is WrongTypes if values have wrong types.
    """
    table = {name: value for name, value in _document(path).items() if name not in {_SCALING, _SCALING_BEFORE_0_2}}
    defaults = {name: value for name, value in (("role", role), ("output", output)) if value is not None}
    try:
        job = kind(**_Reader(path.parent).job({**defaults, **table}))
        job.require_types()
    except WrongTypes as error:
        raise error.in_file(path) from error
    except Invalid as error:
        raise Invalid(f"{path}: {error}") from error
    return job


def load_data_scaling(path: Path) -> DataScaling:
    """The shares of the training set that a TOML file asks for, or the usual ones. Raises Invalid."""
    document = _document(path)
    name = _SCALING_BEFORE_0_2 if _SCALING_BEFORE_0_2 in document else _SCALING
    if {_SCALING, _SCALING_BEFORE_0_2} <= set(document):
        raise Invalid(f"{path}: {_SCALING_BEFORE_0_2} is the name of {_SCALING} before 0.2; give only {_SCALING}")
    try:
        scaling: DataScaling = _build(name, DataScaling, document.get(name, {}))
    except Invalid as error:
        raise Invalid(f"{path}: {error}") from error
    return scaling


def _document(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is no TOML: {error}") from error


# --- tables -----------------------------------------------------------------------------------------------------------------


def _table(path: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise WrongTypes([Violation(path, value, "it must be a table", rule="model-type")])
    return value


def _known(path: str, value: object, names: Collection[str]) -> Mapping[str, Any]:
    """A table whose keys are all known."""
    table = _table(path, value)
    for name in table:
        if name not in names:
            raise Invalid(f"{path} has an unknown key {name!r}; {unknown_keys.hint(path, name, names, PRESETS)}")
    return table


def _list(path: str, value: object) -> Sequence[Any]:
    if not isinstance(value, list):
        raise WrongTypes([Violation(path, value, "it must be a list", rule="model-type")])
    return value


def _names(*kinds: type) -> set[str]:
    """Names of the fields of dataclasses."""
    return {field.name for kind in kinds for field in fields(kind)}


def _require(path: str, table: Mapping[str, Any], names: Collection[str]) -> None:
    """Raise Invalid for the first of these keys that a table has not."""
    for name in names:
        if name not in table:
            raise Invalid(f"{path}{name} is missing; it is required")


def _build(path: str, kind: type, value: object) -> Any:  # noqa: ANN401 - any dataclass
    """A dataclass of a table of its arguments."""
    table = _known(path, value, _names(kind))
    required = [field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING]
    _require(f"{path}.", table, required)
    try:
        return kind(**table)
    except WrongTypes as error:
        raise error.below(path) from error
    except Invalid as error:
        raise Invalid(f"{path}: {error}") from error


@dataclass(frozen=True)
class _Reader:
    """Reads the tables of a file; relative paths in it are relative to `base`."""

    base: Path

    def job(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a tuning job."""
        _known("the file", table, _names(TuningJobSpec, Definition))
        _require("", table, ("name", "strategy") if "definitions" in table else ("name", "objective", "ranges", "strategy"))
        if missing := [name for name in ("role", "output") if name not in table]:
            raise Invalid(
                f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing; AWS needs a role and an output of your "
                "account: name them in the file, or give --stack"
            )
        own = _names(TuningJobSpec)
        inner = {name: value for name, value in table.items() if name not in own}
        members = self.members("", TuningJobSpec, {name: value for name, value in table.items() if name in own})
        return members | self.members("", Definition, inner)

    def members(self, path: str, kind: type, table: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a dataclass: tables become what its annotations ask for."""
        hints = hints_of(kind)
        forms = {
            "definitions": self.definitions,
            "strategy": self.strategy,
            "objective": self.objective,
            "ranges": self.ranges,
            "script": self.script,
            "channels": self.channels,
        }
        return {
            name: forms[name](value) if name in forms and not path else self.value(f"{path}{name}", hints[name], value)
            for name, value in table.items()
        }

    def value(self, path: str, hint: Any, value: object) -> object:  # noqa: ANN401 - an annotation
        """A value for an annotation: tables as dataclasses, lists of tables as lists of those; all else as it is."""
        options = options_of(hint)
        kinds = [option for option in options if is_dataclass(option) and isinstance(option, type)]
        if kinds and (isinstance(value, Mapping) or {*options} <= {*kinds, NoneType}):
            table = _table(path, value)
            kind = next((kind for kind in kinds if set(table) <= _names(kind)), kinds[0])
            return _build(path, kind, self.members(f"{path}.", kind, _known(path, table, _names(kind))))
        items = [get_args(option)[0] for option in options if get_origin(option) is Sequence]
        if items and is_dataclass(items[0]):
            return [self.value(path, items[0], item) for item in _list(path, value)]
        return value

    # --- what TOML spells in a way of its own -------------------------------------------------------------------------------

    def definitions(self, value: object) -> list[Definition]:
        """Definitions, each with a name."""
        return [self.definition(item) for item in _list("definitions", value)]

    def definition(self, value: object) -> Definition:
        """A definition with a name."""
        table = _known("definitions", value, _names(Definition))
        _require("definitions.", table, ["name"])
        try:
            return Definition(**self.members("", Definition, table))
        except WrongTypes as error:
            raise error.below(f"definitions.{table['name']}") from error
        except Invalid as error:
            raise Invalid(f"definitions.{table['name']}: {error}") from error

    def strategy(self, value: object) -> strategies.Strategy:
        """A strategy's name, or a table with its name and its settings."""
        table = {"name": value} if isinstance(value, str) else value
        table = dict(_known("strategy", table, {"name", *_names(*strategies.STRATEGIES.values())}))
        name = table.pop("name", None)
        if not isinstance(name, str) or name not in strategies.STRATEGIES:
            raise Invalid(f"strategy.name is {name!r}; it must be one of {', '.join(strategies.STRATEGIES)}")
        strategy: strategies.Strategy = _build("strategy", strategies.STRATEGIES[name], table)
        return strategy

    def objective(self, value: object) -> Objective:
        """An objective with the members of its metric beside its own, the metric's name as `metric`."""
        table = dict(_known("objective", value, {"metric", "goal", "regex", "sample"}))
        _require("objective.", table, ["metric"])
        name = table.pop("metric")
        if not isinstance(name, str):
            raise WrongTypes([Violation("objective.metric", name, "it must be text", rule="model-type")])
        goal = {"goal": table.pop("goal")} if "goal" in table else {}
        metric = _build("objective", Metric, {"name": name, **table})
        objective: Objective = _build("objective", Objective, {"metric": metric, **goal})
        return objective

    def ranges(self, value: object) -> list[parameters.Range]:
        """Ranges by their hyperparameters."""
        return [_range(name, form) for name, form in _table("ranges", value).items()]

    def script(self, value: object) -> Script:
        """A script's path, or a table of its arguments."""
        table = {"entry": value} if isinstance(value, str) else dict(_known("script", value, _names(Script)))
        local = "source" if "source" in table else "entry"
        if isinstance(table.get(local), str):
            table[local] = str(self.base / table[local])
        script: Script = _build("script", Script, table)
        return script

    def channels(self, value: object) -> list[Channel]:
        """Channels, with local data relative to the file."""
        channels = []
        for item in _list("channels", value):
            table = dict(_known("channels", item, _names(Channel)))
            source = table.get("source")
            if isinstance(source, str) and not is_uri(source):
                table["source"] = str(self.base / source)
            channels.append(_build("channels", Channel, self.members("channels.", Channel, table)))
        return channels


# --- ranges -----------------------------------------------------------------------------------------------------------------


def _range(name: str, value: object) -> parameters.Range:
    """A range of a preset's name, a list of values, or a table in one of the forms."""
    path = f"ranges.{name}"
    if isinstance(value, list):
        if name in PRESETS and len(value) == _ENDS and all(type(end) in {int, float} for end in value):
            low, high = value
            raise Invalid(
                f"{path} is {value}, which may mean two values or a range; write {{ values = {value} }} for the two values, "
                f"or {{ low = {low}, high = {high} }} for all between them"
            )
        value = {"values": value}
    table = _known(path, value, set().union(*FORMS.values()))
    form = _form(name, table)
    if unused := sorted(set(table) - FORMS[form]):
        raise Invalid(f"{path} has {', '.join(unused)}, which does not go together with {form}")
    try:
        return _range_of(form, name, table)
    except WrongTypes as error:
        raise error.below("ranges") from error
    except Invalid as error:
        raise Invalid(f"ranges.{error}" if str(error).startswith(f"{name}: ") else f"{path}: {error}") from error


def _form(name: str, table: Mapping[str, Any]) -> str:
    for form in ("preset", "auto", "values"):
        if form in table:
            return form
    return "preset" if name in PRESETS and not {"scaling", "integer"} & set(table) else "low and high"


def _range_of(form: str, name: str, table: Mapping[str, Any]) -> parameters.Range:
    if form == "auto":
        return parameters.Auto(name, table["auto"])
    if form == "values":
        return parameters.Categorical(name, table["values"])
    ends = {end: table[end] for end in ("low", "high") if end in table}
    if form == "preset":
        preset = table.get("preset", name)
        if not isinstance(preset, str) or preset not in PRESETS:
            raise Invalid(f"{name}: preset is {preset!r}; it must be one of {', '.join(PRESETS)}")
        return PRESETS[preset](**ends, name=name)
    for end in ("low", "high"):
        if end not in ends:
            raise Invalid(
                f"{name}: {end} is missing; a range that is no preset ({', '.join(PRESETS)}) has low and high, or values"
            )
    whole = table.get("integer", all(isinstance(end, int) for end in ends.values()))
    if not isinstance(whole, bool):
        raise Invalid(f"{name}: integer is {whole!r}; it must be true or false")
    kind = parameters.Integer if whole else parameters.Continuous
    return kind(name, **ends, scaling=table.get("scaling", parameters.Scaling.AUTO))
