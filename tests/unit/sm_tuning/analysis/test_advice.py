"""Kinds of advice and what is told beside each."""

import json
from dataclasses import asdict

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
    assert document["cost"] == {"training_jobs": 0, "epochs": -3, "seconds": None}
