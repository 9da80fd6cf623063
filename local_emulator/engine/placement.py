"""Which instance a training job gets, and which injected fault strikes it."""

import random
from collections.abc import Sequence

from local_emulator.documents import changes
from local_emulator.domain.errors import NotFound
from local_emulator.domain.spec import InstanceGroup
from local_emulator.domain.training import TrainingJob
from local_emulator.store.base import Store


def strikes(probability: float, fault: str, job: TrainingJob) -> bool:
    """Whether a fault strikes a run: chance, but always the same for the same run."""
    return random.Random(f"{job.run} {fault}").random() < probability  # noqa: S311 - faults, not secrets


def placed(job: TrainingJob, store: Store, lacking: float) -> TrainingJob | None:
    """The job on the first of its instance configurations that has capacity; None if none has. `lacking` is a probability."""
    for index, instances in enumerate(_alternatives(job, store, lacking)):
        if not strikes(lacking, f"capacity {index}", job):
            return job if instances is None else changes.on_instances(job, instances)
    return None


def _alternatives(job: TrainingJob, store: Store, lacking: float) -> Sequence[InstanceGroup | None]:
    """InstancePreferences, or InstanceConfigs of the tuning job, in their order; a single None if there is no choice."""
    if job.spec.resources.alternatives:
        return job.spec.resources.alternatives
    if job.tuning_arn is None or lacking == 0.0:
        return (None,)
    try:
        definitions = store.tunings.get(job.tuning_arn).plan.definitions
    except NotFound:
        return (None,)  # deleted meanwhile
    training = next(definition.spec for definition in definitions if definition.name == job.definition)
    return training.resources.alternatives or (None,)
