"""Kinds of advice and what is told beside each."""

import json
from dataclasses import asdict

import pytest

from sm_tuning.analysis import Advice, Confidence, Remedy
from sm_tuning.analysis.advice import Cost


def test_opposites_are_mutual() -> None:
    pairs = [(kind, kind.opposite) for kind in Remedy if kind.opposite is not None]
    assert len(pairs) >= 12
    assert all(other.opposite is kind and other is not kind for kind, other in pairs)
    assert Remedy.STOP_EARLIER.opposite is Remedy.MORE_EPOCHS
    assert Remedy.AUGMENTATION.opposite is None


def test_an_advice_is_a_document_for_programs() -> None:
    advice = Advice(kind=Remedy.STOP_EARLIER, remedy="stop earlier", reason="", cost=Cost(epochs=-3), ranges={"epochs": (4, 9)})
    document = json.loads(json.dumps(asdict(advice)))
    assert (document["kind"], document["confidence"]) == ("stop earlier", Confidence.MEDIUM)
    assert document["cost"] == {"training_jobs": 0, "epochs": -3, "step": "value", "seconds": None}


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (Cost(), "no training job"),
        (Cost(training_jobs=1), "1 training job"),
        (Cost(training_jobs=12, seconds=200), "12 training jobs, about 3 min 20 s of training"),
        (Cost(epochs=-1, step="epoch"), "1 epoch less in a training job"),
        (Cost(training_jobs=2, epochs=20), "2 training jobs, 20 values more in a training job"),
    ],
)
def test_a_cost_in_words(cost: Cost, text: str) -> None:
    assert str(cost) == text


def test_changes_in_words() -> None:
    advice = Advice(kind=Remedy.END_RANGE, remedy="", reason="", ranges={"lr": (1e-4, 0.12345)}, values={"kind": ["a", "b"]})
    assert advice.changes == "lr: 0.0001 to 0.123; kind: a, b"
    assert not Advice(kind=Remedy.STOP, remedy="", reason="").changes
