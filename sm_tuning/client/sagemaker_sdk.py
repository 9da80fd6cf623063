"""A tuning job from, and for, a `HyperparameterTuner` of the SageMaker Python SDK 3 (the extra `sagemaker`).

Only what both can say is translated. What one of them cannot say, or the SDK is known to leave out of its request, is refused by its
name, so that nothing is lost in silence.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sm_tuning.errors import Invalid, optional_package
from sm_tuning.spec.channels import Channel
from sm_tuning.spec.job import Completion, TuningJobSpec, WarmStart
from sm_tuning.spec.metrics import Metric, Objective
from sm_tuning.spec.parameters import Categorical, Continuous, Integer, Range
from sm_tuning.spec.request import given
from sm_tuning.spec.resources import Resources
from sm_tuning.spec.script import Script
from sm_tuning.spec.security import Encryption, Network
from sm_tuning.spec.strategies import Bayesian, Grid, Hyperband, Random, Strategy
from sm_tuning.validation.script_files import script_files

_OWN = ("sagemaker_program", "sagemaker_submit_directory")
_DATA = "data_source.s3_data_source."


def _get(thing: object, path: str) -> Any:  # noqa: ANN401 - whatever the SDK holds
    """A member of a member of an SDK object; None where one is not set (the SDK has an object of its own for that)."""
    for name in path.split("."):
        thing = getattr(thing, name, None)
        if thing is None or type(thing).__name__ == "Unassigned":
            return None
    return thing


def _strict(known: set[str], thing: object, where: str) -> None:
    """Refuse members that are set and that a tuning job here has no word for."""
    found: set[str] = getattr(thing, "model_fields_set", set())
    for name in sorted(found - known):
        if _get(thing, name):
            raise Invalid(f"{where}.{name} is {_get(thing, name)!r}; a tuning job here has no word for it")


# --- from the SDK -----------------------------------------------------------------------------------------------------------


def members(tuner: Any, inputs: Any) -> dict[str, Any]:  # noqa: ANN401 - the SDK's own classes
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
        "tags": dict(_tag(one) for one in tuner.tags or ()),
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


def _tag(tag: Any) -> tuple[str, str]:  # noqa: ANN401 - a dictionary or the SDK's shape
    return (tag["Key"], tag["Value"]) if isinstance(tag, Mapping) else (tag.key, tag.value)


def _metrics(tuner: Any) -> tuple[Objective, tuple[Metric, ...]]:  # noqa: ANN401 - the SDK's
    found = {one["Name"]: Metric(one["Name"], one["Regex"]) for one in tuner.metric_definitions or ()}
    name = tuner.objective_metric_name
    return Objective(found.pop(name, Metric(name)), tuner.objective_type), tuple(found.values())


def _ranges(tuner: Any) -> tuple[Range, ...]:  # noqa: ANN401 - the SDK's
    kinds: Mapping[str, type[Range]] = {"Continuous": Continuous, "Integer": Integer, "Categorical": Categorical}
    ranges = tuner._hyperparameter_ranges or {}  # noqa: SLF001 - the SDK has no other name for them
    return tuple(kinds[kind.__name__].from_request(kind.as_tuning_range(name)) for name, kind in ranges.items())


def _strategy(tuner: Any) -> Strategy:  # noqa: ANN401 - the SDK's
    seed, early = _get(tuner, "random_seed"), tuner.early_stopping_type == "Auto"
    if tuner.strategy == "Hyperband":
        settings = "strategy_config.hyperband_strategy_config."
        low, high = _get(tuner, f"{settings}min_resource"), _get(tuner, f"{settings}max_resource")
        return Hyperband(min_resource=low or 1, max_resource=high, seed=seed)
    if tuner.strategy == "Grid":
        return Grid(early_stopping=early)
    if tuner.strategy == "Random":
        return Random(seed=seed, early_stopping=early)
    return Bayesian(seed=seed, early_stopping=early)


def _completion(tuner: Any) -> Completion:  # noqa: ANN401 - the SDK's
    at = "completion_criteria_config."
    return Completion(
        target=_get(tuner, f"{at}target_objective_metric_value"),
        not_improving=_get(tuner, f"{at}best_objective_not_improving.max_number_of_training_jobs_not_improving"),
        on_convergence=_get(tuner, f"{at}convergence_detected.complete_on_convergence") == "Enabled",
        max_runtime=_get(tuner, "max_runtime_in_seconds"),
    )


def _warm_start(tuner: Any) -> WarmStart | None:  # noqa: ANN401 - the SDK's
    parents = _get(tuner, "warm_start_config.parent_hyper_parameter_tuning_jobs")
    if not parents:
        return None
    names = tuple(one.hyper_parameter_tuning_job_name for one in parents)
    return WarmStart(names, _get(tuner, "warm_start_config.warm_start_type"))


def _program(trainer: Any, tuned: set[str]) -> dict[str, Any]:  # noqa: ANN401 - the SDK's
    """Image or algorithm, script, hyperparameters."""
    given_values = _get(trainer, "hyperparameters") or {}
    if isinstance(given_values, str):
        path = Path(given_values)
        if path.suffix != ".json":
            raise Invalid(f"hyperparameters is the file {given_values!r}; only JSON files and dictionaries are read here")
        given_values = json.loads(path.read_text(encoding="utf-8"))
    static = {name: _text(value) for name, value in given_values.items() if name not in tuned}
    found: dict[str, Any] = {
        "image": _get(trainer, "training_image"),
        "algorithm": _get(trainer, "algorithm_name"),
        "script": None,
    }
    source = _get(trainer, "source_code")
    if source is not None:
        if source.command or not source.entry_script:
            raise Invalid(f"source_code.command is {source.command!r}; a tuning job starts a script (entry_script)")
        static = {name: value for name, value in static.items() if name not in _OWN}  # the SDK's, of an earlier launch
        folder = source.source_dir
        if folder is not None and folder.startswith("s3://"):
            static |= dict(zip(_OWN, (source.entry_script, folder), strict=True))
        else:
            found["script"] = Script(source.entry_script, folder)
    return {**found, "hyperparameters": static}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _resources(trainer: Any) -> Resources:  # noqa: ANN401 - the SDK's
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


def _channels(trainer: Any, inputs: Any) -> Iterator[Channel]:  # noqa: ANN401 - the SDK's
    """What `tune(inputs=…)` takes, then the model trainer's own."""
    if isinstance(inputs, str):
        inputs = {"training": inputs}
    if isinstance(inputs, Mapping):
        yield from (Channel(name, source) for name, source in inputs.items())
        inputs = ()
    seen = set()
    for one in (*(inputs or ()), *(_get(trainer, "input_data_config") or ())):
        if one.channel_name not in seen:
            seen.add(one.channel_name)
            yield _channel(one)


def _channel(one: Any) -> Channel:  # noqa: ANN401 - the SDK's Channel or InputData
    source = one.data_source
    if isinstance(source, str):
        return Channel(one.channel_name, source, content_type=_get(one, "content_type"))
    uri = _get(one, f"{_DATA}s3_uri")
    if uri is None:
        raise Invalid(f"the channel {one.channel_name!r} has the source {source!r}; only S3 and local data are translated")
    wrapper, compression = _get(one, "record_wrapper_type"), _get(one, "compression_type")
    return Channel(
        one.channel_name,
        uri,
        content_type=_get(one, "content_type"),
        input_mode=_get(one, "input_mode"),
        distribution=_get(one, f"{_DATA}s3_data_distribution_type") or "FullyReplicated",
        data_type=_get(one, f"{_DATA}s3_data_type") or "S3Prefix",
        compression=None if compression == "None" else compression,
        record_wrapper=None if wrapper == "None" else wrapper,
        shuffle_seed=_get(one, "shuffle_config.seed"),
        attributes=tuple(_get(one, f"{_DATA}attribute_names") or ()),
    )


# --- for the SDK ------------------------------------------------------------------------------------------------------------


def tuner(job: TuningJobSpec, session: Any) -> Any:  # noqa: ANN401 - the SDK's own classes
    """A HyperparameterTuner that is ready to `tune()`; raises Invalid and MissingExtra."""
    with optional_package("sagemaker", "the SageMaker Python SDK 3 is needed"):
        from sagemaker.core import parameter, shapes  # noqa: PLC0415 - an extra
        from sagemaker.core.training import configs  # noqa: PLC0415 - an extra
        from sagemaker.train import ModelTrainer  # noqa: PLC0415 - an extra
        from sagemaker.train.tuner import HyperparameterTuner  # noqa: PLC0415 - an extra
    _refuse_what_the_sdk_drops(job)
    part = job.definition
    ranges: dict[str, Any] = {}
    for one in part.ranges:
        if isinstance(one, Categorical):
            ranges[one.name] = parameter.CategoricalParameter(list(one.values))
        elif isinstance(one, Continuous | Integer):
            kind = parameter.ContinuousParameter if isinstance(one, Continuous) else parameter.IntegerParameter
            ranges[one.name] = kind(one.low, one.high, scaling_type=one.scaling.value)
    request = job.request()
    definition = request["TrainingJobDefinition"]
    algorithm = definition["AlgorithmSpecification"]
    folder, source = _source(part.script, configs)
    trainer = ModelTrainer(
        sagemaker_session=session,
        role=job.role,
        source_code=source,
        compute=configs.Compute(
            instance_type=part.resources.instance_type,
            instance_count=part.resources.instance_count,
            volume_size_in_gb=part.resources.volume_gb,
            enable_managed_spot_training=part.resources.spot,
        ),
        stopping_condition=shapes.StoppingCondition(**_snaked(definition["StoppingCondition"])),
        output_data_config=shapes.OutputDataConfig(**_snaked(definition["OutputDataConfig"])),
        input_data_config=[shapes.Channel(**_snaked(one)) for one in definition.get("InputDataConfig", ())],
        training_input_mode=part.input_mode,
        environment=dict(part.environment),
        hyperparameters={name: value for name, value in definition["StaticHyperParameters"].items() if name not in _OWN}
        if part.script
        else dict(definition["StaticHyperParameters"]),
        base_job_name=job.name,
        **given(
            training_image=algorithm.get("TrainingImage"),
            algorithm_name=algorithm.get("AlgorithmName"),
            checkpoint_config=shapes.CheckpointConfig(**_snaked(definition["CheckpointConfig"]))
            if "CheckpointConfig" in definition
            else None,
            networking=configs.Networking(
                subnets=list(part.network.subnets), security_group_ids=list(part.network.security_groups)
            )
            if part.network.subnets
            else None,
        ),
    )
    if part.max_retries is not None:
        trainer = trainer.with_retry_strategy(shapes.RetryStrategy(maximum_retry_attempts=part.max_retries))
    config = request["HyperParameterTuningJobConfig"]
    made = HyperparameterTuner(
        trainer,
        objective_metric_name=config["HyperParameterTuningJobObjective"]["MetricName"],
        objective_type=config["HyperParameterTuningJobObjective"]["Type"],
        hyperparameter_ranges=ranges,
        metric_definitions=algorithm.get("MetricDefinitions"),
        strategy=config["Strategy"],
        max_jobs=job.max_jobs,
        max_parallel_jobs=job.max_parallel,
        max_runtime_in_seconds=job.completion.max_runtime,
        early_stopping_type=config["TrainingJobEarlyStoppingType"],
        random_seed=config.get("RandomSeed"),
        autotune=job.autotune,
        base_tuning_job_name=job.name,
        tags=request.get("Tags"),
        **_shaped(config, request, shapes),
    )
    made._sm_tuning_source = folder  # noqa: SLF001 - the folder lives as long as the tuner does
    return made


def _shaped(config: Mapping[str, Any], request: Mapping[str, Any], shapes: Any) -> dict[str, Any]:  # noqa: ANN401 - the SDK's
    """The members that the SDK takes as shapes of the API."""
    found: dict[str, Any] = {}
    if "StrategyConfig" in config:
        found["strategy_config"] = shapes.HyperParameterTuningJobStrategyConfig(**_snaked(config["StrategyConfig"]))
    if "TuningJobCompletionCriteria" in config:
        found["completion_criteria_config"] = shapes.TuningJobCompletionCriteria(**_snaked(config["TuningJobCompletionCriteria"]))
    if "WarmStartConfig" in request:
        found["warm_start_config"] = shapes.HyperParameterTuningJobWarmStartConfig(**_snaked(request["WarmStartConfig"]))
    return found


def _source(script: Script | None, configs: Any) -> tuple[Any, Any]:  # noqa: ANN401 - the SDK's
    """SourceCode, and the folder that it needs to be kept: a script without a source folder is put into one of its own."""
    if script is None:
        return None, None
    if script.source is not None:
        return None, configs.SourceCode(source_dir=script.source, entry_script=script.entry)
    folder = tempfile.TemporaryDirectory(prefix="sm-tuning-")
    for name, path in script_files(script).files:
        target = Path(folder.name, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return folder, configs.SourceCode(source_dir=folder.name, entry_script=script.program)


def _refuse_what_the_sdk_drops(job: TuningJobSpec) -> None:
    """SDK 3.0 to 3.x builds its request without these."""
    if job.several:
        names = ", ".join(str(definition.name) for definition in job.definitions)
        raise Invalid(f"definitions are {names}, which the SDK's tuner leaves out of its request; use launch()")
    part = job.definition
    resources = part.resources
    dropped: dict[str, Any] = {
        "network.isolated": part.network.isolated,
        "network.encrypted": part.network.encrypted,
        "encryption.volume_key": part.encryption.volume_key,
        **{
            f"resources.{name}": getattr(resources, name)
            for name in ("max_pending", "keep_alive", "alternatives", "groups", "training_plan", "placement", "preferences")
        },
        **{f"range {one.name}": one for one in part.ranges if not isinstance(one, Categorical | Continuous | Integer)},
        **{f"channel {one.name}": one.source for one in part.channels if one.path is not None},
        "strategy.seed": 0 if getattr(job.strategy, "seed", None) == 0 else None,
    }
    for name, value in dropped.items():
        if value or (name == "strategy.seed" and value is not None):
            raise Invalid(f"{name} is {value!r}, which the SDK's tuner leaves out of its request; use launch(), or leave it out")


def _snaked(members: Mapping[str, Any]) -> dict[str, Any]:
    """AWS's names as the SDK writes them."""
    return {_snake(name): _snaked_value(value) for name, value in members.items()}


def _snaked_value(value: object) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        return _snaked(value)
    return [_snaked_value(one) for one in value] if isinstance(value, list) else value


def _snake(name: str) -> str:
    """`S3DataSource` is `s3_data_source`, `KmsKeyId` is `kms_key_id`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
