"""Defaults of a request for training are AWS's."""

from local_emulator.domain.spec import AlgorithmSpec, CheckpointConfig, Host, InstanceGroup, ResourceConfig, TrainingSpec


def test_arguments_count_behind_an_entrypoint_alone() -> None:
    assert AlgorithmSpec(container_entrypoint=("python", "x.py"), container_arguments=("--a", "1")).command == (
        *("python", "x.py", "--a", "1"),
    )
    assert AlgorithmSpec(container_arguments=("--a", "1")).command == ()


def test_checkpoints_lie_where_aws_puts_them() -> None:
    assert CheckpointConfig(s3_uri="s3://b/c").path == "/opt/ml/checkpoints"
    assert CheckpointConfig(s3_uri="s3://b/c", local_path="/opt/ml/model/x").path == "/opt/ml/model/x"


def test_absent_structures_have_aws_s_defaults() -> None:
    spec = TrainingSpec()
    assert (spec.algorithm.training_input_mode, spec.resources.volume_size, spec.output.compressed) == ("File", 30, True)
    assert (spec.stopping.max_runtime, spec.stopping.max_wait_time, spec.maximum_retry_attempts) == (None, None, 0)
    assert not (spec.managed_spot)
    assert not (spec.network_isolation)
    assert not (spec.profiler)


SMALL, LARGE = InstanceGroup(instance_type="s", instance_count=2), InstanceGroup(instance_type="l", instance_count=3)


def test_each_instance_is_a_host_counted_through_all_groups() -> None:
    assert ResourceConfig().hosts == (Host(name="algo-1", group="homogeneousCluster", instance_type="local"),)
    assert [host.name for host in ResourceConfig(groups=(SMALL,)).hosts] == ["algo-1", "algo-2"]
    groups = (InstanceGroup(instance_type="s", name="a"), InstanceGroup(instance_type="l", instance_count=2, name="b"))
    assert [(host.name, host.group, host.instance_type) for host in ResourceConfig(groups=groups).hosts] == [
        ("algo-1", "a", "s"),
        ("algo-2", "b", "l"),
        ("algo-3", "b", "l"),
    ]
    assert len(ResourceConfig(alternatives=(SMALL, LARGE)).hosts) == 3, "the largest, until one is selected"
    assert len(ResourceConfig(groups=(SMALL,), alternatives=(SMALL, LARGE)).hosts) == 2
