"""A `HyperparameterTuner` of the SageMaker Python SDK 3 (the extra `sagemaker`) for a tuning job.

What the SDK cannot express, or is known to leave out of its request, is refused by its name. Importing this module raises MissingExtra
without the SDK.
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sm_tuning.client.sagemaker_sdk import OWN_HYPERPARAMETERS, SdkObject
from sm_tuning.errors import Invalid, optional_package
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.parameters import Auto, Categorical, Continuous, Range
from sm_tuning.spec.request import given
from sm_tuning.spec.script import Script
from sm_tuning.validation.script_files import script_files

with optional_package("sagemaker", "the SageMaker Python SDK 3 is needed"):
    from sagemaker.core import parameter as sdk_parameter
    from sagemaker.core import shapes
    from sagemaker.core.training import configs
    from sagemaker.train import ModelTrainer
    from sagemaker.train.tuner import HyperparameterTuner


def tuner(job: TuningJobSpec, session: SdkObject) -> HyperparameterTuner:
    """A HyperparameterTuner that is ready to `tune()`; raises Invalid."""
    _refuse_what_the_sdk_drops(job)
    part = job.definition
    request = job.request()
    definition = request["TrainingJobDefinition"]
    algorithm = definition["AlgorithmSpecification"]
    folder, source = _source(part.script)
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
        input_data_config=[shapes.Channel(**_snaked(channel)) for channel in definition.get("InputDataConfig", ())],
        training_input_mode=part.input_mode,
        environment=dict(part.environment),
        hyperparameters={
            name: value for name, value in definition["StaticHyperParameters"].items() if name not in OWN_HYPERPARAMETERS
        }
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
        hyperparameter_ranges={parameter.name: _range(parameter) for parameter in part.ranges},
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
        **_shaped(config, request),
    )
    made._sm_tuning_source = folder  # noqa: SLF001 - the folder lives as long as the tuner does
    return made


def _range(parameter: Range) -> SdkObject:
    if isinstance(parameter, Categorical):
        return sdk_parameter.CategoricalParameter(list(parameter.values))
    if isinstance(parameter, Auto):
        raise Invalid(f"range {parameter.name} is {parameter!r}, which the SDK's tuner leaves out of its request")
    kind = sdk_parameter.ContinuousParameter if isinstance(parameter, Continuous) else sdk_parameter.IntegerParameter
    return kind(parameter.low, parameter.high, scaling_type=parameter.scaling.value)


def _shaped(config: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """The members that the SDK takes as shapes of the API."""
    members: dict[str, Any] = {}
    if "StrategyConfig" in config:
        members["strategy_config"] = shapes.HyperParameterTuningJobStrategyConfig(**_snaked(config["StrategyConfig"]))
    if "TuningJobCompletionCriteria" in config:
        members["completion_criteria_config"] = shapes.TuningJobCompletionCriteria(
            **_snaked(config["TuningJobCompletionCriteria"])
        )
    if "WarmStartConfig" in request:
        members["warm_start_config"] = shapes.HyperParameterTuningJobWarmStartConfig(**_snaked(request["WarmStartConfig"]))
    return members


def _source(script: Script | None) -> tuple[Any, Any]:
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
        **{f"range {parameter.name}": parameter for parameter in part.ranges if isinstance(parameter, Auto)},
        **{f"channel {channel.name}": channel.source for channel in part.channels if channel.path is not None},
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
    return [_snaked_value(item) for item in value] if isinstance(value, list) else value


def _snake(name: str) -> str:
    """`S3DataSource` is `s3_data_source`, `KmsKeyId` is `kms_key_id`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
