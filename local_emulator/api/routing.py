"""Which variant of an endpoint answers an invocation, and which of its instances."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from local_emulator.domain.endpoint import Deployment, Endpoint, Instance, Variant
from local_emulator.domain.errors import ValidationError


@dataclass
class _Turns:
    """What variants have saved up, and how busy instances are and have been, by run."""

    credits: dict[str, float] = field(default_factory=dict)
    busy: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)


class Router:
    """Takes variants in turns by their weights, and instances by how busy they are: always in the same order.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: dict[str, _Turns] = {}

    def choose(self, endpoint: Endpoint, deployment: Deployment, target: str | None = None) -> tuple[Variant, Instance]:
        """The variant that is named, or the next by weight, and its least busy instance; raises ValidationError if there is none."""
        with self._lock:
            turns = self._turns.setdefault(endpoint.arn, _Turns())
            variant = _named(endpoint, deployment, target) if target else _next(deployment.variants, turns)
            ready = [instance for instance in variant.instances if instance.healthy] or variant.instances
            return variant, min(ready, key=lambda instance: (turns.busy[instance.run], turns.answered[instance.run]))

    @contextmanager
    def using(self, endpoint: Endpoint, instance: Instance) -> Iterator[None]:
        """The instance is busy until the context ends."""
        with self._lock:
            turns = self._turns.setdefault(endpoint.arn, _Turns())
            turns.busy[instance.run] += 1
            turns.answered[instance.run] += 1
        try:
            yield
        finally:
            with self._lock:
                turns.busy[instance.run] -= 1


def _named(endpoint: Endpoint, deployment: Deployment, target: str) -> Variant:
    for variant in deployment.variants:
        if variant.name == target:
            return variant
    names = ", ".join(variant.name for variant in deployment.variants)
    raise ValidationError(f"The variant {target} of the endpoint {endpoint.name} was not found: it has {names}.")


def _next(variants: Iterable[Variant], turns: _Turns) -> Variant:
    """Each variant gains its weight and the richest pays for all: so turns are as even as weights allow (as nginx takes them)."""
    weighted = [variant for variant in variants if variant.weight > 0]
    if not weighted:
        raise ValidationError("The weights of all variants are 0: name the one that is to answer by TargetVariant.")
    for variant in weighted:
        turns.credits[variant.name] = turns.credits.get(variant.name, 0.0) + variant.weight
    chosen = max(weighted, key=lambda variant: turns.credits[variant.name])
    turns.credits[chosen.name] -= sum(variant.weight for variant in weighted)
    return chosen
