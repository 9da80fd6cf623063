"""What an unknown key of a job file was meant for."""

from dataclasses import fields

import pytest

from sm_tuning.spec.definition import Definition
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.resources import Resources
from sm_tuning.spec.toml import PRESETS
from sm_tuning.spec.unknown_keys import OTHER_NAMES, hint, known_paths
from sm_tuning.validation.wording import argument

TABLES = {
    "the file": {field.name for kind in (TuningJobSpec, Definition) for field in fields(kind)},
    "resources": {field.name for field in fields(Resources)},
    "strategy": {"early_stopping", "seed"},  # of Bayesian
}


@pytest.mark.parametrize(
    ("table", "key", "meant"),
    [
        (
            "the file",
            "early_stopping",
            "did you mean 'strategy.early_stopping', as in strategy = { name = \"Bayesian\", early_stopping = … }?",
        ),
        (
            "resources",
            "min_resource",
            "did you mean 'strategy.min_resource', as in strategy = { name = \"Hyperband\", min_resource = … }?",
        ),
        ("strategy", "max_resource", "it is a setting of Hyperband"),
        ("the file", "spot", "did you mean 'resources.spot'?"),
        ("the file", "instance_typ", "did you mean 'resources.instance_type'?"),
        ("the file", "max_runtim", "did you mean 'completion.max_runtime' or 'resources.max_runtime'?"),
        ("the file", "MaxParallelTrainingJobs", "did you mean 'max_parallel'?"),
        ("the file", "use_spot_instances", "did you mean 'resources.spot'?"),
        ("the file", "learning_rate", "did you mean 'ranges.learning_rate'?"),
        ("the file", "max_job", "did you mean 'max_jobs'?"),
        ("resources", "max_jobs", "did you mean 'max_jobs', at the top of the file?"),
        ("resources", "max_runtim", "did you mean 'max_runtime'?"),
        ("resources", "MaxRuntimeInSeconds", "did you mean 'max_runtime' or 'completion.max_runtime'?"),
        ("strategy", "blah", "known are early_stopping, seed"),
    ],
)
def test_hints(table: str, key: str, meant: str) -> None:
    assert hint(table, key, TABLES[table], PRESETS) == meant


def test_every_other_name_is_that_of_a_key() -> None:
    known = known_paths(frozenset(PRESETS))
    assert [path for paths in OTHER_NAMES.values() for path in paths if path not in known] == []


@pytest.mark.parametrize(
    "member",
    [
        "HyperParameterTuningJobConfig.ResourceLimits.MaxNumberOfTrainingJobs",
        "HyperParameterTuningJobConfig.TrainingJobEarlyStoppingType",
        "HyperParameterTuningJobConfig.RandomSeed",
        "TrainingJobDefinition.EnableManagedSpotTraining",
        "TrainingJobDefinition.StoppingCondition.MaxWaitTimeInSeconds",
        "TrainingJobDefinition.OutputDataConfig.S3OutputPath",
        "TrainingJobDefinition.ResourceConfig.VolumeSizeInGB",
        "TrainingJobDefinition.ResourceConfig.InstanceType",
    ],
)
def test_names_of_aws_are_those_that_problems_are_told_in(member: str) -> None:
    assert f"'{argument(member, {})}'" in hint("the file", member.rpartition(".")[2], TABLES["the file"], PRESETS)
