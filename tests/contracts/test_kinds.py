"""The laws of the store that hold for records of every kind."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local_emulator.domain.errors import ImpossibleTransition
from local_emulator.domain.experiment import Experiment, MetricValue, Trial, TrialComponent
from local_emulator.domain.invocation import InvocationStatus, QueuedInvocation
from local_emulator.domain.jobs import RecordStatus
from local_emulator.domain.model import DefinitionStatus, EndpointConfig, Model
from local_emulator.domain.names import (
    ENDPOINT_CONFIG,
    ENDPOINT_INVOCATION,
    EXPERIMENT,
    MODEL,
    MODEL_PACKAGE,
    MODEL_PACKAGE_GROUP,
    PIPELINE,
    TRIAL,
    TRIAL_COMPONENT,
    Arn,
)
from local_emulator.domain.pipeline import Pipeline, PipelineStatus
from local_emulator.domain.registry import ModelPackage, ModelPackageGroup, RegistryStatus
from local_emulator.store.base import Change, Query
from local_emulator.store.kinds import (
    COMPONENTS,
    CONFIGS,
    ENDPOINTS,
    EXECUTIONS,
    EXPERIMENTS,
    INVOCATIONS,
    KINDS,
    MODELS,
    PACKAGE_GROUPS,
    PACKAGES,
    PIPELINES,
    PROCESSINGS,
    TRAININGS,
    TRANSFORMS,
    TRIALS,
    TUNINGS,
    Kind,
)
from local_emulator.store.sqlite import SqliteStore
from tests.made_endpoints import endpoint
from tests.made_jobs import NOW, SCOPE, processing, training, transform, tuning
from tests.made_pipelines import execution, step

INVOCATION: Mapping[str, Any] = {
    **dict.fromkeys(("location", "failure"), "s3://bucket/key"),
    "endpoint": "e",
    "headers": (("accept", "a/b"),),
    "body": None,
    "output": "s3://bucket/out",
    "seconds": 1,
    "ttl": 1,
}
MADE: Mapping[Kind[Any], Callable[[str], Any]] = {
    TUNINGS: tuning,
    TRAININGS: training,
    PROCESSINGS: processing,
    TRANSFORMS: transform,
    MODELS: lambda name: resource(Model, DefinitionStatus.DEFINED, SCOPE.arn(MODEL, name)),
    CONFIGS: lambda name: resource(EndpointConfig, DefinitionStatus.DEFINED, SCOPE.arn(ENDPOINT_CONFIG, name)),
    ENDPOINTS: endpoint,
    INVOCATIONS: lambda name: resource(
        QueuedInvocation, InvocationStatus.QUEUED, SCOPE.arn(ENDPOINT_INVOCATION, name), **INVOCATION
    ),
    PACKAGE_GROUPS: lambda name: resource(ModelPackageGroup, RegistryStatus.COMPLETED, SCOPE.arn(MODEL_PACKAGE_GROUP, name)),
    PACKAGES: lambda name: resource(ModelPackage, RegistryStatus.COMPLETED, SCOPE.arn(MODEL_PACKAGE, name)),
    EXPERIMENTS: lambda name: resource(Experiment, DefinitionStatus.DEFINED, SCOPE.arn(EXPERIMENT, name)),
    TRIALS: lambda name: resource(Trial, DefinitionStatus.DEFINED, SCOPE.arn(TRIAL, name), experiment=SCOPE.arn(EXPERIMENT, "e")),
    COMPONENTS: lambda name: resource(
        TrialComponent, DefinitionStatus.DEFINED, SCOPE.arn(TRIAL_COMPONENT, name), trials=(SCOPE.arn(TRIAL, "t"),)
    ).with_values([MetricValue(metric="loss", value=0.5, time=NOW)]),
    PIPELINES: lambda name: resource(Pipeline, PipelineStatus.ACTIVE, SCOPE.arn(PIPELINE, name)),
    EXECUTIONS: lambda name: replace(execution(step("A")), arn=SCOPE.arn(PIPELINE, f"abalone/execution/{name}"), name=name),
}


def resource(record: type[Any], status: RecordStatus, arn: Arn, **members: Any) -> Any:
    """A record of a kind, called as its ARN ends."""
    name = arn.rpartition("/")[2]
    return record(name=name, arn=arn, request={"A": "b"}, status=status, created=NOW, modified=NOW, **members)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.table)
def kind(request: pytest.FixtureRequest) -> Kind[Any]:
    kind: Kind[Any] = request.param
    return kind


def test_a_status_that_may_not_follow_is_refused(store: SqliteStore, kind: Kind[Any]) -> None:
    table: Any = getattr(store, kind.table)
    for before in kind.statuses:
        for after in kind.statuses:
            job = replace(MADE[kind](f"from-{before}-to-{after}-now".lower()), status=before)
            table.add(job)
            changed = replace(table.get(job.arn), status=after)
            if after is before or after in before.may_follow:
                assert table.put(changed).status is after
            else:
                with pytest.raises(ImpossibleTransition, match=f"cannot go from {before} to {after}"):
                    table.put(changed)
                assert table.get(job.arn) == job, "it is as it was"
                assert [listed.status for listed in table.find(Query(name_contains=job.name)).items] == [before]


def test_records_of_every_kind_are_kept_found_counted_failed_and_cleared(tmp_path: Path, kind: Kind[Any]) -> None:
    store, record = SqliteStore(tmp_path / "jobs"), MADE[kind]("a")
    store.table(record.arn).add(replace(record, tags={"Key": "value"}))
    store.close()
    changes: list[object] = []
    store = SqliteStore(tmp_path / "jobs", changes.append)
    table: Any = getattr(store, kind.table)
    assert table.get(record.arn) == replace(record, tags={"Key": "value"})
    assert list(table.active()) == ([] if record.status.terminal else [record.arn])
    assert store.runs() == store.runs(active=True) == set(getattr(record, "runs", getattr(record, "run", "").split()))
    store.mark_failed(record.arn, "why", NOW)
    assert not table.active()
    assert store.runs(active=True) == set()
    assert table.arns(Query(statuses=[status for status in kind.statuses if "Failed" in status] or [record.status])) == [
        record.arn
    ]
    store.clear()
    assert table.find(Query()).items == ()
    assert changes == []
    table.add(record)
    assert changes == [Change(record, None)]
    store.close()
