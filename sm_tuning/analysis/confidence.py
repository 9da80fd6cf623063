"""How sure a statement about training jobs is: a word beside each verdict, effect and advice."""

from enum import StrEnum


class Confidence(StrEnum):
    """How sure a statement is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


def at_most(confidence: Confidence, most: Confidence) -> Confidence:
    """The less sure of two."""
    order = list(Confidence)
    return order[min(order.index(confidence), order.index(most))]
