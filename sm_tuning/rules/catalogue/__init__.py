"""AWS's own algorithms: what their images are called, and what AWS checks of their training jobs. Data, one TOML file for each.

A file is named as the repository of the algorithm's image, and read when that image is asked for. `[[changes]]` of a file are its
versions, oldest first: each holds what it changes in the one before. `sources` instead of a `registry` are the folders of AWS's
scripts for algorithms that run in framework images.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

_IMAGE = re.compile(r"(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z0-9.-]+/([a-z0-9-]+)(?::([^@]+))?(?:@.*)?")
_SCRIPTS = re.compile(
    r"s3://jumpstart-cache-prod-[a-z0-9-]+/source-directory-tarballs/(.+)"
)  # AWS's buckets, one for each region
_REGISTRIES = "registries"
_LISTS = ("content_types", "input_modes", "channels", "required_channels", "compute", "packages", "inferred", "sources")
_OPTIONAL = ("program", "script", "aliases", "default_metrics")


@dataclass(frozen=True, kw_only=True)
class Hyperparameter:
    """One hyperparameter: its bounds (None: none), values or words beside numbers, and default (None: none).

    `type` is AWS's, Integer, Continuous, Categorical or FreeText, or List (comma-separated values). `tune` is what AWS recommends for
    tuning: the two ends of a range, or values; empty if the hyperparameter cannot be tuned.
    """

    name: str
    type: str
    required: bool = False
    min: float | None = None
    above: float | None = None
    max: float | None = None
    below: float | None = None
    values: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    default: str | None = None
    tune: tuple[float | str, ...] = ()

    @property
    def low(self) -> float | None:
        """The least value, whether it is itself allowed or not."""
        return self.above if self.min is None else self.min

    @property
    def high(self) -> float | None:
        """The greatest value, whether it is itself allowed or not."""
        return self.below if self.max is None else self.max

    def __contains__(self, value: float) -> bool:
        """Whether a number is within the bounds."""
        return not (
            (self.min is not None and value < self.min)
            or (self.above is not None and value <= self.above)
            or (self.max is not None and value > self.max)
            or (self.below is not None and value >= self.below)
        )

    @property
    def interval(self) -> str:
        """The bounds as AWS's XGBoost writes them: `(0, 1]`."""
        start = f"[{self.min}" if self.min is not None else f"({'-inf' if self.above is None else self.above}"
        end = f"{self.max}]" if self.max is not None else f"{'+inf' if self.below is None else self.below})"
        return f"{start}, {end}"


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """An algorithm of AWS's at one version.

    `metrics` are names and regular expressions, in AWS's order; those of `inferred` have no published expression. `program` is the
    module of `local_emulator.algorithms` that stands in for it, and `script` names the files of `local_emulator.algorithms.scripts`
    that stand in for a script of AWS's (both None: not emulated); both need `packages`. `messages` tells whose sentences it refuses
    hyperparameters in.
    """

    name: str
    version: str
    title: str
    messages: str
    hyperparameters: Mapping[str, Hyperparameter]
    metrics: Mapping[str, str]
    content_types: tuple[str, ...]
    input_modes: tuple[str, ...]
    channels: tuple[str, ...]
    required_channels: tuple[str, ...]
    compute: tuple[str, ...]
    hosts: str
    program: str | None = None
    script: str | None = None
    packages: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    recorded: tuple[str, ...] = ()
    default_metrics: Mapping[str, str] = field(default_factory=dict)

    @property
    def emulated(self) -> bool:
        """Whether something stands in for it."""
        return self.program is not None or self.script is not None

    def hyperparameter(self, name: str) -> Hyperparameter | None:
        """A hyperparameter by its name or an alias of it."""
        return self.hyperparameters.get(self.aliases.get(name, name))

    @property
    def tunable(self) -> frozenset[str]:
        """Names of what may have a range, aliases among them."""
        own = {name for name, hyperparameter in self.hyperparameters.items() if hyperparameter.tune}
        return frozenset(own | {alias for alias, name in self.aliases.items() if name in own})

    def metrics_of(self, hyperparameters: Mapping[str, str], objective: str | None = None) -> Mapping[str, str]:
        """What AWS defines for a job: the recorded list of its image if that has every metric that the job computes, else all."""
        asked = hyperparameters.get("eval_metric") or self.default_metrics.get(hyperparameters.get("objective", ""), "")
        computed = {f"validation:{name.split('@')[0].strip()}" for name in asked.split(",")} | {objective}
        if not self.recorded or any(name in self.metrics and name not in self.recorded for name in computed if name):
            return self.metrics
        return {name: self.metrics[name] for name in self.recorded}


def _data(name: str) -> Mapping[str, Any] | None:
    path = files(__name__) / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


@lru_cache(maxsize=256)
def _file(name: str) -> Mapping[str, Any] | None:
    return None if name == _REGISTRIES else _data(name)


@cache
def registries() -> Mapping[str, Mapping[str, str]]:
    """The account of each registry in each region."""
    return _data(_REGISTRIES) or {}


def names() -> list[str]:
    """Every algorithm."""
    return sorted(
        stem for file in files(__name__).iterdir() if (stem := file.name.removesuffix(".toml")) not in {file.name, _REGISTRIES}
    )


def versions(name: str) -> Sequence[str]:
    """The versions of an algorithm, oldest first; empty if it is no algorithm of AWS's."""
    data = _file(name) or {}
    return [change["version"] for change in data.get("changes", ())] or data.get("versions", [])


@cache
def load(name: str, version: str | None = None) -> Algorithm:
    """An algorithm by its name, at a version of `versions` or, without one, its newest; raises KeyError."""
    data = _file(name)
    if data is None:
        raise KeyError(name)
    chosen = version or next(reversed(versions(name)), "")
    hyperparameters = dict(data["hyperparameters"])
    own: list[str] = []
    recorded: list[str] = []
    for change in _until(data.get("changes", ()), chosen):
        hyperparameters |= change.get("hyperparameters", {})
        own = change["metrics"].split() if "metrics" in change else own
        recorded = change.get("recorded", "").split()
    members: dict[str, Any] = {member: tuple(data.get(member, ())) for member in _LISTS}
    members |= {member: data[member] for member in _OPTIONAL if member in data}
    return Algorithm(
        name=name,
        version=chosen,
        title=data["title"],
        messages=data["messages"],
        hosts=data["hosts"],
        hyperparameters={key: _hyperparameter(key, entry) for key, entry in hyperparameters.items() if entry is not False},
        metrics=data.get("metrics") or dict(_metrics(data, own, recorded)),
        recorded=tuple(recorded),
        **members,
    )


def _until(changes: Sequence[Mapping[str, Any]], version: str) -> Iterator[Mapping[str, Any]]:
    for change in changes:
        yield change
        if change["version"] == version:
            return


def _metrics(data: Mapping[str, Any], own: Sequence[str], recorded: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What is recorded of a version and what its program prints, in the common order; then what that order does not have."""
    order = data.get("metric_order", "").split()
    known = {*recorded, *(f"{channel}:{metric}" for channel in ("train", "validation") for metric in own)}
    rest = [f"validation:{metric}" for metric in own if f"validation:{metric}" not in order]
    for name in [*(name for name in order if name in known), *rest]:
        channel, metric = name.split(":")
        yield name, data["metric_regex"].replace("{channel}", channel).replace("{metric}", metric)


def _hyperparameter(name: str, entry: Mapping[str, Any]) -> Hyperparameter:
    members: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    return Hyperparameter(name=name, **members)


@lru_cache(maxsize=256)  # images are of the users' choice
def find(image: str) -> Algorithm | None:
    """The algorithm of an image of AWS's, at the image's version (an unknown one is taken as the newest); None if it is none."""
    match = _IMAGE.fullmatch(image)
    data = _file(match[3]) if match else None
    if match is None or data is None or registries().get(data.get("registry", ""), {}).get(match[2]) != match[1]:
        return None
    tag = match[4] or ""
    known = [version for version in versions(match[3]) if tag == version or tag.startswith(f"{version}-")]
    return load(match[3], max(known, key=len, default=None))


def of_source(uri: str) -> Algorithm | None:
    """The algorithm of one of AWS's own source archives, `sagemaker_submit_directory` of its training jobs; None if it is none."""
    match = _SCRIPTS.match(uri)
    if match is None:
        return None
    scripts = [algorithm for algorithm in map(load, names()) if algorithm.sources]
    path = match[1].replace("-", "_")
    return next((algorithm for algorithm in scripts if any(folder in path for folder in algorithm.sources)), None)
