"""Which variant and which instance answer."""

from collections import Counter
from contextlib import ExitStack

import pytest

from local_emulator.api.routing import Router
from local_emulator.domain.endpoint import EndpointStatus, Instance
from local_emulator.domain.errors import ValidationError
from tests.made_endpoints import deployment, endpoint, variant

ENDPOINT = endpoint(status=EndpointStatus.IN_SERVICE)


def test_turns_are_as_the_weights_and_always_the_same() -> None:
    chosen = deployment(variant("a", weight=3.0), variant("b", weight=1.0), variant("c", weight=0.0))

    def turns() -> list[str]:
        router = Router()
        return [router.choose(ENDPOINT, chosen)[0].name for _ in range(400)]

    assert Counter(turns()) == {"a": 300, "b": 100}
    assert turns() == turns()
    assert max(len(run) for run in "".join(turns()).split("b")) <= 3  # as even as can be


def test_a_variant_that_is_named_answers_whatever_its_weight() -> None:
    chosen = deployment(variant("a"), variant("b", weight=0.0))
    assert Router().choose(ENDPOINT, chosen, "b")[0].name == "b"
    with pytest.raises(ValidationError, match="The variant x of the endpoint endpoint was not found: it has a, b"):
        Router().choose(ENDPOINT, chosen, "x")
    with pytest.raises(ValidationError, match="weights of all variants are 0"):
        Router().choose(ENDPOINT, deployment(variant("b", weight=0.0)))


def test_the_least_busy_instance_answers_and_no_broken_one_while_another_is_up() -> None:
    instances = [Instance(run=name, healthy=name != "broken") for name in ("one", "two", "broken")]
    chosen, router = deployment(variant("a", *instances)), Router()
    with ExitStack() as busy:
        for name in ("one", "two", "one", "two"):
            instance = router.choose(ENDPOINT, chosen)[1]
            assert instance.run == name
            busy.enter_context(router.using(ENDPOINT, instance))
        busy.pop_all().close()
    assert router.choose(ENDPOINT, deployment(variant("a", instances[2])))[1].run == "broken"
