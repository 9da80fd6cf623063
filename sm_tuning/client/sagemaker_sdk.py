"""A tuning job from a `HyperparameterTuner` of the SageMaker Python SDK 3; the SDK itself is not imported.

What a tuning job here cannot express is refused by its name.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from sm_tuning.errors import Invalid
from sm_tuning.spec.channels import Channel
from sm_tuning.spec.job import Completion, WarmStart
from sm_tuning.spec.metrics import Metric, Objective
from sm_tuning.spec.parameters import Categorical, Continuous, Integer, Range
from sm_tuning.spec.request import given
from sm_tuning.spec.resources import Resources
from sm_tuning.spec.script import Script
from sm_tuning.spec.security import Encryption, Network
from sm_tuning.spec.strategies import Strategy, strategy_of

SdkObject: TypeAlias = Any
"""An object of the SDK, whose classes are not imported here."""

OWN_HYPERPARAMETERS = ("sagemaker_program", "sagemaker_submit_directory")
_DATA = "data_source.s3_data_source."


def _get(thing: object, path: str) -> Any:  # noqa: ANN401 - any value of the SDK
    """A member of a member of an SDK object; None where one is not set (the SDK has an object of its own for that)."""
    for name in path.split("."):
        thing = getattr(thing, name, None)
        if thing is None or type(thing).__name__ == "Unassigned":
            return None
    return thing


def _strict(known: set[str], thing: object, where: str) -> None:
    """Refuse members that are set and that a tuning job here has no word for."""
    given_members: set[str] = getattr(thing, "model_fields_set", set())
    for name in sorted(given_members - known):
        if _get(thing, name):
            raise Invalid(f"{where}.{name} is {_get(thing, name)!r}; a tuning job here has no word for it")


def members(tuner: SdkObject, inputs: SdkObject) -> dict[str, Any]:
    """Members of a TuningJob, but for its name; raises Invalid."""
    trainer = getattr(tuner, "model_trainer", None)
    if trainer is None:
        raise Invalid("the tuner has no model_trainer of its own; of several (HyperparameterTuner.create) the SDK sends one only")
    objective, metrics = _metrics(tuner)
    return {
        "role": _get(trainer, "role"),
        "output": _get(trainer, "output_data_config.s3_output_path"),
        "strategy": _strategy(tuner),
        "max_jobs": _get(tuner, "max_jobs"),
        "max_parallel": _get(tuner, "max_parallel_jobs"),
        "completion": _completion(tuner),
        "warm_start": _warm_start(tuner),
        "autotune": bool(tuner.autotune),
        "tags": dict(_tag(tag) for tag in tuner.tags or ()),
        "objective": objective,
        "ranges": _ranges(tuner),
        "metrics": metrics,
        **_program(trainer, set(tuner._hyperparameter_ranges or {})),  # noqa: SLF001 - the SDK has no other name for them
        "channels": tuple(_channels(trainer, inputs)),
        "input_mode": _get(trainer, "training_input_mode") or "File",
        "resources": _resources(trainer),
        "environment": dict(_get(trainer, "environment") or {}),
        "output_compression": _get(trainer, "output_data_config.compression_type"),
        "network": Network(
            subnets=tuple(_get(trainer, "networking.subnets") or ()),
            security_groups=tuple(_get(trainer, "networking.security_group_ids") or ()),
            isolated=bool(_get(trainer, "networking.enable_network_isolation")),
            encrypted=bool(_get(trainer, "networking.enable_inter_container_traffic_encryption")),
        ),
        "encryption": Encryption(
            output_key=_get(trainer, "output_data_config.kms_key_id"), volume_key=_get(trainer, "compute.volume_kms_key_id")
        ),
        "max_retries": _get(trainer, "_retry_strategy.maximum_retry_attempts"),
    }


def _tag(tag: SdkObject) -> tuple[str, str]:
    return (tag["Key"], tag["Value"]) if isinstance(tag, Mapping) else (tag.key, tag.value)


def _metrics(tuner: SdkObject) -> tuple[Objective, tuple[Metric, ...]]:
    metrics = {form["Name"]: Metric(form["Name"], form["Regex"]) for form in tuner.metric_definitions or ()}
    name = tuner.objective_metric_name
    return Objective(metrics.pop(name, Metric(name)), tuner.objective_type), tuple(metrics.values())


def _ranges(tuner: SdkObject) -> tuple[Range, ...]:
    kinds: Mapping[str, type[Range]] = {"Continuous": Continuous, "Integer": Integer, "Categorical": Categorical}
    ranges = tuner._hyperparameter_ranges or {}  # noqa: SLF001 - the SDK has no other name for them
    for name, kind in ranges.items():
        if kind.__name__ not in kinds:
            raise Invalid(f"the range of {name} is a {kind.__name__}; it must be one of {', '.join(kinds)}")
    return tuple(kinds[kind.__name__].from_request(kind.as_tuning_range(name)) for name, kind in ranges.items())


def _strategy(tuner: SdkObject) -> Strategy:
    settings = "strategy_config.hyperband_strategy_config."
    return strategy_of(
        tuner.strategy,
        seed=_get(tuner, "random_seed"),
        early_stopping=tuner.early_stopping_type == "Auto",
        min_resource=_get(tuner, f"{settings}min_resource"),
        max_resource=_get(tuner, f"{settings}max_resource"),
    )


def _completion(tuner: SdkObject) -> Completion:
    at = "completion_criteria_config."
    return Completion(
        target=_get(tuner, f"{at}target_objective_metric_value"),
        not_improving=_get(tuner, f"{at}best_objective_not_improving.max_number_of_training_jobs_not_improving"),
        on_convergence=_get(tuner, f"{at}convergence_detected.complete_on_convergence") == "Enabled",
        max_runtime=_get(tuner, "max_runtime_in_seconds"),
    )


def _warm_start(tuner: SdkObject) -> WarmStart | None:
    parents = _get(tuner, "warm_start_config.parent_hyper_parameter_tuning_jobs")
    if not parents:
        return None
    names = tuple(parent.hyper_parameter_tuning_job_name for parent in parents)
    return WarmStart(names, _get(tuner, "warm_start_config.warm_start_type"))


def _program(trainer: SdkObject, tuned: set[str]) -> dict[str, Any]:
    """Image or algorithm, script, hyperparameters."""
    given_values = _get(trainer, "hyperparameters") or {}
    if isinstance(given_values, str):
        path = Path(given_values)
        if path.suffix != ".json":
            raise Invalid(f"hyperparameters is the file {given_values!r}; only JSON files and dictionaries are read here")
        given_values = json.loads(path.read_text(encoding="utf-8"))
    static = {name: _text(value) for name, value in given_values.items() if name not in tuned}
    program: dict[str, Any] = {
        "image": _get(trainer, "training_image"),
        "algorithm": _get(trainer, "algorithm_name"),
        "script": None,
    }
    source = _get(trainer, "source_code")
    if source is not None:
        if source.command or not source.entry_script:
            raise Invalid(f"source_code.command is {source.command!r}; a tuning job starts a script (entry_script)")
        static = {
            name: value for name, value in static.items() if name not in OWN_HYPERPARAMETERS
        }  # the SDK's, of an earlier launch
        folder = source.source_dir
        if folder is not None and folder.startswith("s3://"):
            static |= dict(zip(OWN_HYPERPARAMETERS, (source.entry_script, folder), strict=True))
        else:
            program["script"] = Script(source.entry_script, folder)
    return {**program, "hyperparameters": static}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _resources(trainer: SdkObject) -> Resources:
    compute, stop = _get(trainer, "compute"), "stopping_condition."
    known = {"instance_type", "instance_count", "volume_size_in_gb", "volume_kms_key_id", "enable_managed_spot_training"}
    _strict(known | {"keep_alive_period_in_seconds", "training_plan_arn"}, compute, "compute")
    members = given(
        instance_type=_get(compute, "instance_type"),
        instance_count=_get(compute, "instance_count"),
        volume_gb=_get(compute, "volume_size_in_gb"),
        spot=_get(compute, "enable_managed_spot_training"),
        keep_alive=_get(compute, "keep_alive_period_in_seconds"),
        training_plan=_get(compute, "training_plan_arn"),
        max_runtime=_get(trainer, f"{stop}max_runtime_in_seconds"),
        max_wait=_get(trainer, f"{stop}max_wait_time_in_seconds"),
        max_pending=_get(trainer, f"{stop}max_pending_time_in_seconds"),
        checkpoints=_get(trainer, "checkpoint_config.s3_uri"),
        checkpoint_path=_get(trainer, "checkpoint_config.local_path"),
    )
    return Resources(**members)


def _channels(trainer: SdkObject, inputs: SdkObject) -> Iterator[Channel]:
    """What `tune(inputs=…)` takes, then the model trainer's own."""
    if isinstance(inputs, str):
        inputs = {"training": inputs}
    if isinstance(inputs, Mapping):
        yield from (Channel(name, source) for name, source in inputs.items())
        inputs = ()
    seen = set()
    for channel in (*(inputs or ()), *(_get(trainer, "input_data_config") or ())):
        if channel.channel_name not in seen:
            seen.add(channel.channel_name)
            yield _channel(channel)


def _channel(channel: SdkObject) -> Channel:
    source = channel.data_source
    if isinstance(source, str):
        return Channel(channel.channel_name, source, content_type=_get(channel, "content_type"))
    uri = _get(channel, f"{_DATA}s3_uri")
    if uri is None:
        raise Invalid(f"the channel {channel.channel_name!r} has the source {source!r}; only S3 and local data are translated")
    wrapper, compression = _get(channel, "record_wrapper_type"), _get(channel, "compression_type")
    return Channel(
        channel.channel_name,
        uri,
        content_type=_get(channel, "content_type"),
        input_mode=_get(channel, "input_mode"),
        distribution=_get(channel, f"{_DATA}s3_data_distribution_type") or "FullyReplicated",
        data_type=_get(channel, f"{_DATA}s3_data_type") or "S3Prefix",
        compression=None if compression == "None" else compression,
        record_wrapper=None if wrapper == "None" else wrapper,
        shuffle_seed=_get(channel, "shuffle_config.seed"),
        attributes=tuple(_get(channel, f"{_DATA}attribute_names") or ()),
        groups=tuple(_get(channel, f"{_DATA}instance_group_names") or ()),
        accept_eula=_get(channel, f"{_DATA}model_access_config.accept_eula"),
        hub_content=_get(channel, f"{_DATA}hub_access_config.hub_content_arn"),
    )
