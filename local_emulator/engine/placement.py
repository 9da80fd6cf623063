"""Which instance a training job gets, and which injected fault strikes it."""

import random
from collections.abc import Sequence
from dataclasses import replace

from local_emulator.domain.errors import NotFound
from local_emulator.domain.jobs import Document
from local_emulator.domain.training import TrainingJob
from local_emulator.store.base import Store


def strikes(probability: float, fault: str, job: TrainingJob) -> bool:
    """Whether a fault strikes a run: chance, but always the same for the same run."""
    return random.Random(f"{job.run} {fault}").random() < probability  # noqa: S311 - faults, not secrets


def placed(job: TrainingJob, store: Store, lacking: float) -> TrainingJob | None:
    """The job on the first of its instance configurations that has capacity; None if none has. `lacking` is a probability."""
    for index, config in enumerate(_configurations(job, store, lacking)):
        if not strikes(lacking, f"capacity {index}", job):
            return replace(job, request={**job.request, "ResourceConfig": {**job.request["ResourceConfig"], **config}})
    return None


def _configurations(job: TrainingJob, store: Store, lacking: float) -> Sequence[Document]:
    """In the order of InstancePreferences, or of the tuning job's InstanceConfigs; a single empty one if there is no choice."""
    if preferences := job.request["ResourceConfig"].get("InstancePreferences"):
        count = job.request["ResourceConfig"].get("InstanceCount")
        return [
            {"SelectedInstanceType": preference["InstanceType"], "SelectedInstanceCount": preference.get("InstanceCount", count)}
            for preference in preferences
        ]
    if job.tuning_arn is None or lacking == 0.0:
        return ({},)
    try:
        definitions = store.tunings.get(job.tuning_arn).plan.definitions
    except NotFound:
        return ({},)  # deleted meanwhile
    document = next(definition.document for definition in definitions if definition.name == job.definition)
    configs: Sequence[Document] = document.get("HyperParameterTuningResourceConfig", {}).get("InstanceConfigs") or ({},)
    return configs
