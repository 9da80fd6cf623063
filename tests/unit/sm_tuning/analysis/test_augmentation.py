"""Augmentation is advised only where something shows that the data have it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from sm_tuning.analysis import Remedy, diagnose
from sm_tuning.analysis.augmentation import augmentable
from sm_tuning.analysis.results import Results
from sm_tuning.spec.metrics import Objective
from tests.unit.sm_tuning.planted import overfit_job


def described(results: Results, **changes: Any) -> Results:
    return replace(results, tuning_jobs=[replace(results.tuning_jobs[0], **changes)])


def channel(content_type: str) -> dict[str, Any]:
    return {"content_types": {"train": content_type}}


def algorithm(name: str) -> dict[str, Any]:
    return {"image": f"1.dkr.ecr.eu-west-1.amazonaws.com/{name}:1"}


@pytest.mark.parametrize(
    ("changes", "data", "seen"),
    [
        (channel("image/jpeg"), "images", "the channel train has the content type image/jpeg"),
        (channel("application/x-image"), "images", "the channel train has the content type application/x-image"),
        (channel("audio/wav"), "recordings", "audio/wav"),
        (channel("text/plain"), "texts", "text/plain"),
        (algorithm("image-classification"), "images", "the algorithm is image-classification"),
        ({"static_hyperparameters": {"sagemaker_program": "train_resnet.py"}}, "images", "the script is called train_resnet.py"),
        ({"static_hyperparameters": {"image_size": "224"}}, "images", "there is the hyperparameter image_size"),
        ({"static_hyperparameters": {"vocabSize": "3000"}}, "texts", "there is the hyperparameter vocabSize"),
        ({"metrics": {"validation:wer": "(.)"}}, "recordings", "there is the metric validation:wer"),
        ({"objective": Objective.maximize("eval_bleu")}, "texts", "there is the metric eval_bleu"),
    ],
)
def test_what_shows_the_kind_of_the_data(changes: Mapping[str, Any], data: str, seen: str) -> None:
    kind = augmentable(described(overfit_job(), **changes))
    assert kind is not None
    assert (kind.data, seen in kind.seen) == (data, True)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        channel("text/csv"),
        channel("text/libsvm"),
        algorithm("sagemaker-xgboost"),
        {"static_hyperparameters": {"sagemaker_program": "train.py", "width": "3", "max_depth": "4"}},
        {"metrics": {"validation:auc": "(.)", "validation:rmse": "(.)"}},
    ],
)
def test_tables_have_none(changes: Mapping[str, Any]) -> None:
    assert augmentable(described(overfit_job(), **changes)) is None


def test_the_advice_says_what_shows_it() -> None:
    assert not [advice for advice in diagnose(overfit_job()).advice if advice.kind is Remedy.AUGMENTATION]
    (advice,) = (
        advice
        for advice in diagnose(described(overfit_job(), **channel("image/png"))).advice
        if advice.kind is Remedy.AUGMENTATION
    )
    assert "images (shifted, flipped" in advice.reason
    assert "content type image/png" in advice.reason
