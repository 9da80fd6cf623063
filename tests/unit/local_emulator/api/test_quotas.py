"""What an account may have."""

from dataclasses import replace

import pytest

from local_emulator.api import quotas
from local_emulator.domain.endpoint import Instance
from local_emulator.domain.errors import ResourceLimitExceeded
from local_emulator.domain.jobs import Status
from local_emulator.domain.names import AwsScope
from local_emulator.domain.spec import InstanceGroup, ResourceConfig, TrainingSpec
from local_emulator.settings import Quotas
from local_emulator.store.sqlite import SqliteStore
from tests.made_endpoints import deployment, endpoint, variant
from tests.made_jobs import SCOPE, transform
from tests.unit.local_emulator.documents.conftest import child, tuning_job

LARGE, SMALL = InstanceGroup(instance_type="ml.m5.large"), InstanceGroup(instance_type="ml.c5.large", instance_count=2)
LIMIT = "The account-level service limit '"


def spec(*groups: InstanceGroup, spot: bool = False, alternatives: tuple[InstanceGroup, ...] = ()) -> TrainingSpec:
    return TrainingSpec(resources=ResourceConfig(groups=groups, alternatives=alternatives), managed_spot=spot)


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Quotas(training_jobs=8, random_training_jobs=9), None),
        (Quotas(random_training_jobs=8), "Maximum number of training jobs per hyperparameter tuning job' is 8 Training Jobs"),
        (Quotas(parallel_training_jobs=0), "Maximum number of parallel training jobs per hyperparameter tuning job' is 0"),
        (
            Quotas(tuning_jobs=1),
            "Number of concurrent hyperparameter tuning jobs' is 1 Tuning Jobs, with current utilization of 1",
        ),
        (Quotas(instances={"ml.m5.large": 1}), None),
        (Quotas(instances={"ml.m5.large": 0}), "ml.m5.large for training job usage' is 0 Instances"),
    ],
)
def test_a_tuning_job(store: SqliteStore, limits: Quotas, sentence: str | None) -> None:
    store.tunings.add(tuning_job())
    plan = tuning_job().plan
    if sentence is None:
        quotas.check_tuning_job(plan, store, limits, SCOPE)
        return
    with pytest.raises(ResourceLimitExceeded) as raised:
        quotas.check_tuning_job(plan, store, limits, SCOPE)
    assert str(raised.value).startswith(LIMIT + sentence)


def test_running_instances_of_the_same_kind_count(store: SqliteStore) -> None:
    running = child(tuning_job())
    store.trainings.add(running)
    limits = Quotas(instances={"ml.m5.large": 1})
    with pytest.raises(ResourceLimitExceeded, match="current utilization of 1 Instances and a request delta of 1 Instances"):
        quotas.check_training_job(spec(LARGE), store, limits, SCOPE)
    quotas.check_training_job(spec(LARGE, spot=True), store, limits, SCOPE)
    quotas.check_training_job(spec(SMALL), store, limits, SCOPE)
    quotas.check_training_job(spec(LARGE), store, limits, AwsScope(region="eu-west-1", account=SCOPE.account))
    store.trainings.put(replace(running, status=Status.FAILED))
    quotas.check_training_job(spec(LARGE), store, limits, SCOPE)


def test_all_groups_count_but_only_the_first_alternative(store: SqliteStore) -> None:
    limits = Quotas(instances={"ml.c5.large": 3, "ml.m5.large": 0})
    quotas.check_training_job(spec(SMALL), store, limits, SCOPE)
    with pytest.raises(ResourceLimitExceeded, match="request delta of 4 Instances"):
        quotas.check_training_job(spec(SMALL, SMALL), store, limits, SCOPE)
    quotas.check_training_job(spec(alternatives=(SMALL, LARGE)), store, limits, SCOPE)
    with pytest.raises(ResourceLimitExceeded, match=r"ml\.m5\.large for training job usage"):
        quotas.check_training_job(spec(alternatives=(LARGE, SMALL)), store, limits, SCOPE)


@pytest.mark.parametrize(
    ("region", "kind", "offered"),
    [("us-east-1", "ml.t3.medium", False), ("us-west-1", "ml.p2.xlarge", False), ("us-east-1", "ml.p2.xlarge", True)],
)
def test_some_instances_do_not_train(store: SqliteStore, region: str, kind: str, offered: bool) -> None:  # noqa: FBT001 - a column
    asked = spec(alternatives=(LARGE, InstanceGroup(instance_type=kind)))
    scope = AwsScope(region=region, account=SCOPE.account)
    if offered:
        quotas.check_training_job(asked, store, Quotas(), scope)
        return
    with pytest.raises(ResourceLimitExceeded, match=f"training-job/{kind} is not available in this region"):
        quotas.check_training_job(asked, store, Quotas(), scope)


def test_transform_jobs(store: SqliteStore) -> None:
    job = transform("job")
    kind = job.spec.instance_type
    quotas.check_transform_job(job.spec, store, Quotas(instances={kind: 1}), SCOPE)
    store.transforms.add(job)
    quotas.check_transform_job(job.spec, store, Quotas(instances={"ml.other": 0}), SCOPE)
    with pytest.raises(
        ResourceLimitExceeded, match=f"{kind} for transform job usage' is 1 Instances, with current utilization of 1"
    ):
        quotas.check_transform_job(job.spec, store, Quotas(instances={kind: 1}), SCOPE)


def test_endpoints(store: SqliteStore) -> None:
    two, limits = deployment(variant("v", Instance(run="a"), Instance(run="b"))), Quotas(instances={"ml.m5.large": 3})
    store.endpoints.add(endpoint(pending=two))
    quotas.check_endpoint(two, "endpoint", store, limits, SCOPE)  # an update: what it has now is not counted
    with pytest.raises(ResourceLimitExceeded, match="for endpoint usage' is 3 Instances, with current utilization of 2"):
        quotas.check_endpoint(two, "another", store, limits, SCOPE)
    quotas.check_endpoint(two, "another", store, Quotas(), SCOPE)


def test_instances_that_stay_in_an_update_count_once(store: SqliteStore) -> None:
    serving = deployment(variant("v", Instance(run="a"), Instance(run="b")))
    pending = deployment(variant("v", Instance(run="a"), Instance(run="b"), Instance(run="c")))
    store.endpoints.add(endpoint(serving=serving, pending=pending))
    wanted = deployment(variant("v", Instance(run="d")))
    quotas.check_endpoint(wanted, "another", store, Quotas(instances={"ml.m5.large": 4}), SCOPE)
    with pytest.raises(ResourceLimitExceeded, match="current utilization of 3 Instances and a request delta of 1"):
        quotas.check_endpoint(wanted, "another", store, Quotas(instances={"ml.m5.large": 3}), SCOPE)
