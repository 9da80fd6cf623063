"""What of an SDK's tuner a tuning job here has no word for is refused; the rest is taken whole. The SDK itself: tests/acceptance."""

from types import SimpleNamespace

import pytest

from sm_tuning import Bayesian, Channel, Invalid
from sm_tuning.client import sagemaker_sdk


def test_a_strategy_of_another_name_is_refused() -> None:
    tuner = SimpleNamespace(strategy="Bayesian", early_stopping_type="Off", random_seed=3)
    assert sagemaker_sdk._strategy(tuner) == Bayesian(seed=3, early_stopping=False)
    tuner.strategy = "Sobol"
    with pytest.raises(Invalid, match="strategy is 'Sobol'; it must be one of"):
        sagemaker_sdk._strategy(tuner)


def test_a_range_of_another_kind_is_refused() -> None:
    tuner = SimpleNamespace(_hyperparameter_ranges={"size": SimpleNamespace(__name__="Ordinal")})
    with pytest.raises(Invalid, match="the range of size is a Ordinal; it must be one of Continuous, Integer, Categorical"):
        sagemaker_sdk._ranges(tuner)


def test_a_channel_is_taken_whole() -> None:
    s3 = SimpleNamespace(
        s3_uri="s3://box/data",
        instance_group_names=["big"],
        model_access_config=SimpleNamespace(accept_eula=True),
        hub_access_config=SimpleNamespace(hub_content_arn="arn:aws:sagemaker:us-east-1:123456789012:hub-content/a"),
    )
    channel = SimpleNamespace(channel_name="train", data_source=SimpleNamespace(s3_data_source=s3))
    assert sagemaker_sdk._channel(channel) == Channel(
        "train",
        "s3://box/data",
        groups=("big",),
        accept_eula=True,
        hub_content="arn:aws:sagemaker:us-east-1:123456789012:hub-content/a",
    )
