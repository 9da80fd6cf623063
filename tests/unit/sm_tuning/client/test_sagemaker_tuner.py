"""What the SDK's tuner leaves out of its request is refused by its name. With the SDK itself: tests/acceptance/test_sdk_3.py."""

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sm_tuning import (
    Auto,
    Bayesian,
    Categorical,
    Channel,
    Continuous,
    Encryption,
    Integer,
    Invalid,
    MissingExtra,
    Network,
    Scaling,
)
from tests.unit.sm_tuning.descriptions import Make

NAME = "sm_tuning.client.sagemaker_tuner"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module, with an SDK that keeps what it is given."""

    def kept(kind: str) -> Any:
        return lambda *words, **members: SimpleNamespace(kind=kind, words=words, **members)

    parts: Mapping[str, Mapping[str, Any]] = {
        "sagemaker": {},
        "sagemaker.core": {},
        "sagemaker.core.parameter": {
            name: kept(name) for name in ("CategoricalParameter", "ContinuousParameter", "IntegerParameter")
        },
        "sagemaker.core.shapes": {
            name: kept(name)
            for name in (
                *("StoppingCondition", "OutputDataConfig", "Channel", "CheckpointConfig", "RetryStrategy"),
                *("HyperParameterTuningJobStrategyConfig", "TuningJobCompletionCriteria"),
                "HyperParameterTuningJobWarmStartConfig",
            )
        },
        "sagemaker.core.training": {},
        "sagemaker.core.training.configs": {name: kept(name) for name in ("Compute", "Networking", "SourceCode")},
        "sagemaker.train": {"ModelTrainer": kept("ModelTrainer")},
        "sagemaker.train.tuner": {"HyperparameterTuner": kept("HyperparameterTuner")},
    }
    for name, members in parts.items():
        made = ModuleType(name)
        vars(made).update(members)
        monkeypatch.setitem(sys.modules, name, made)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, made)
    monkeypatch.delitem(sys.modules, NAME, raising=False)
    yield importlib.import_module(NAME)
    sys.modules.pop(NAME, None)


def test_without_the_sdk_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sagemaker", None)
    monkeypatch.delitem(sys.modules, NAME, raising=False)
    with pytest.raises(MissingExtra, match=r"the SageMaker Python SDK 3 is needed.*sagemaker"):
        importlib.import_module(NAME)


DROPPED: Mapping[str, tuple[str, Any]] = {
    "a network without the internet": ("network.isolated is True", {"network": Network(isolated=True)}),
    "encryption between instances": ("network.encrypted is True", {"network": Network(encrypted=True)}),
    "a key of the volume": ("encryption.volume_key is '1234'", {"encryption": Encryption(volume_key="1234")}),
    "a seed of zero": ("strategy.seed is 0", {"strategy": Bayesian(seed=0)}),
    "a range by its name alone": ("range depth is Auto", {"ranges": [Auto("depth", 3)]}),
    "data on this machine": ("channel train is ", {"channels": [Channel("train", __file__)]}),
}


@pytest.mark.parametrize("name", DROPPED)
def test_what_the_sdk_drops_is_refused(module: Any, job: Make, name: str) -> None:
    text, changes = DROPPED[name]
    with pytest.raises(Invalid, match=rf"{text}.*, which the SDK's tuner leaves out of its request; use launch\(\)"):
        module.tuner(job(**changes), SimpleNamespace())


def test_what_resources_drop_is_refused(module: Any, job: Make) -> None:
    tuned = job()
    waiting = tuned.changed(resources=replace(tuned.definition.resources, max_pending=7200))
    with pytest.raises(Invalid, match=r"resources\.max_pending is 7200"):
        module.tuner(waiting, SimpleNamespace())


def test_a_tuner_is_told_what_the_request_says(module: Any, job: Make) -> None:
    ranges = [Categorical("kind", ["a", "b"]), Continuous("rate", 0.1, 1.0, Scaling.LOGARITHMIC), Integer("depth", 1, 9)]
    tuned = job(ranges=ranges, strategy=Bayesian(seed=3), max_jobs=7, max_parallel=2, tags={"owner": "me"})
    tuner = module.tuner(tuned, session := SimpleNamespace())
    (trainer,) = tuner.words
    assert (tuner.strategy, tuner.random_seed, tuner.max_jobs, tuner.max_parallel_jobs) == ("Bayesian", 3, 7, 2)
    assert (tuner.objective_metric_name, tuner.objective_type) == ("score", "Minimize")
    assert tuner.tags == [{"Key": "owner", "Value": "me"}]
    kinds = {name: (made.kind, made.words) for name, made in tuner.hyperparameter_ranges.items()}
    assert kinds == {
        "kind": ("CategoricalParameter", (["a", "b"],)),
        "rate": ("ContinuousParameter", (0.1, 1.0)),
        "depth": ("IntegerParameter", (1, 9)),
    }
    assert tuner.hyperparameter_ranges["rate"].scaling_type == "Logarithmic"
    assert trainer.sagemaker_session is session
    assert trainer.stopping_condition.max_runtime_in_seconds == tuned.definition.resources.max_runtime
    assert "sagemaker_program" not in trainer.hyperparameters, "the SDK adds its own"
    tuner._sm_tuning_source.cleanup()  # of which nobody else knows here


@pytest.mark.parametrize(("name", "snake"), [("S3Uri", "s3_uri"), ("S3DataSource", "s3_data_source"), ("KmsKeyId", "kms_key_id")])
def test_aws_names_as_the_sdk_writes_them(module: Any, name: str, snake: str) -> None:
    assert module._snaked({name: [{name: 1}]}) == {snake: [{snake: 1}]}
