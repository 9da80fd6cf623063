"""The catalogue of AWS's algorithms: whole and consistent."""

import re
from importlib.util import find_spec
from typing import Any

import pytest
import regex

from local_emulator.algorithms import contract
from sm_tuning.rules import algorithms, catalogue
from sm_tuning.rules.catalogue import Algorithm
from sm_tuning.rules.request import TuningRequest

ALGORITHMS = [catalogue.load(name, version) for name in catalogue.names() for version in catalogue.versions(name) or (None,)]
EVERY = [pytest.param(algorithm, id=f"{algorithm.name} {algorithm.version}") for algorithm in ALGORITHMS]
WITH_IMAGES = [name for name in catalogue.names() if catalogue.versions(name)]


def image(name: str, tag: str, region: str = "us-east-1", account: str | None = None) -> str:
    algorithm = next(data for data in [catalogue._file(name)] if data)
    account = account or catalogue.registries()[algorithm["registry"]][region]
    return f"{account}.dkr.ecr.{region}.amazonaws.com/{name}:{tag}"


def test_every_first_party_algorithm_is_there() -> None:
    scripts = {"autogluon-tabular", "catboost", "lightgbm", "tabtransformer"} | {
        f"tensorflow-{task}" for task in ("image-classification", "object-detection", "text-classification")
    }
    assert set(catalogue.names()) == set(WITH_IMAGES) | scripts
    assert len(WITH_IMAGES) == 18


@pytest.mark.parametrize("algorithm", EVERY)
def test_an_entry_is_consistent(algorithm: Algorithm) -> None:
    assert algorithm.metrics or algorithm.name == "autogluon-tabular"
    for name, expression in algorithm.metrics.items():
        assert regex.compile(expression).groups == 1 or algorithm.messages == "script", name
    assert set(algorithm.inferred) <= set(algorithm.metrics)
    assert set(algorithm.required_channels) <= set(algorithm.channels)
    assert algorithm.hosts in {"one", "several"}
    assert set(algorithm.compute) <= {"cpu", "gpu"}
    assert algorithm.messages in {"toolkit", "xgboost", "script"}
    assert algorithm.program is None or find_spec(f"local_emulator.algorithms.{algorithm.program}")
    assert algorithm.script is None or find_spec(f"local_emulator.algorithms.scripts.{algorithm.script}_training")
    for name, hyperparameter in algorithm.hyperparameters.items():
        assert hyperparameter.type in {"Integer", "Continuous", "Categorical", "FreeText", "List"}, name
        assert bool(hyperparameter.values) == (hyperparameter.type == "Categorical") or hyperparameter.type == "List", name
        if (
            hyperparameter.default is not None
            and hyperparameter.type in {"Integer", "Continuous"}
            and hyperparameter.default not in hyperparameter.words
        ):
            assert float(hyperparameter.default) in hyperparameter, name
        if hyperparameter.default is not None and hyperparameter.values:
            assert hyperparameter.default in hyperparameter.values, name


@pytest.mark.parametrize(
    "algorithm",
    [algorithm for algorithm in ALGORITHMS if algorithm.messages != "script"],
    ids=lambda algorithm: f"{algorithm.name} {algorithm.version}",
)
def test_what_aws_recommends_is_accepted(algorithm: Algorithm) -> None:
    where = image(algorithm.name, algorithm.version)
    categorical: list[Any] = []
    continuous: list[Any] = []
    for name, hyperparameter in algorithm.hyperparameters.items():
        if hyperparameter.tune and isinstance(hyperparameter.tune[0], str):
            categorical.append({"Name": name, "Values": list(hyperparameter.tune)})
        elif hyperparameter.tune:
            ends = [f"{end:g}" for end in hyperparameter.tune if not isinstance(end, str)]
            continuous.append({"Name": name, "MinValue": ends[0], "MaxValue": ends[1]})
    request = {
        "HyperParameterTuningJobConfig": {
            "ParameterRanges": {"CategoricalParameterRanges": categorical, "ContinuousParameterRanges": continuous}
        },
        "TrainingJobDefinition": {"AlgorithmSpecification": {"TrainingImage": where}},
    }
    assert not list(algorithms.TUNING.violations(TuningRequest(request)))
    assert algorithm.tunable or algorithm.name == "pca"


@pytest.mark.parametrize("name", WITH_IMAGES)
def test_images_are_found_by_region_account_and_tag(name: str) -> None:
    newest = catalogue.versions(name)[-1]
    algorithm = catalogue.find(image(name, newest))
    assert algorithm is not None
    assert (algorithm.name, algorithm.version) == (name, newest)
    assert catalogue.find(image(name, newest, "eu-west-1")) == algorithm
    assert catalogue.find(image(name, "none-such")) == algorithm
    assert catalogue.find(image(name, newest, account="123456789012")) is None  # somebody else's
    regional = {
        account for accounts in catalogue.registries().values() for region, account in accounts.items() if region == "us-west-2"
    }
    assert any(catalogue.find(image(name, newest, account=account)) is None for account in regional)


def test_partitions_and_forms_of_an_image() -> None:
    china = "390948362332.dkr.ecr.cn-north-1.amazonaws.com.cn/kmeans:1"
    assert catalogue.find(china) == catalogue.load("kmeans", "1")
    assert catalogue.find("382416733822.dkr.ecr-fips.us-east-1.amazonaws.com/kmeans@sha256:" + "0" * 64) == catalogue.load(
        "kmeans", "1"
    )
    assert catalogue.find("kmeans:1") is None
    assert catalogue.find("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3") is None
    old = catalogue.find("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:0.90-1-cpu-py3")
    assert old is not None
    assert old.version == "0.90-1"
    assert catalogue.find("683313688378.dkr.ecr.us-east-1.amazonaws.com/registries:1") is None


def test_versions_differ_as_the_container_s_branches_do() -> None:
    load = catalogue.load
    assert "silent" in load("sagemaker-xgboost", "1.0-1").hyperparameters
    assert "silent" not in load("sagemaker-xgboost", "1.2-1").hyperparameters
    assert "reg:absoluteerror" in load("sagemaker-xgboost", "1.7-1").hyperparameters["objective"].values
    assert "single_precision_histogram" not in load("sagemaker-xgboost").hyperparameters
    assert {"eta", "learning_rate", "alpha", "reg_alpha"} <= load("sagemaker-xgboost").tunable


def test_scripts_of_aws_are_known_by_their_folder() -> None:
    archive = "s3://jumpstart-cache-prod-us-east-1/source-directory-tarballs/lightgbm/transfer_learning/classification/v1.1.3/sourcedir.tar.gz"
    algorithm = catalogue.of_source(archive)
    assert algorithm is not None
    assert algorithm.title == "LightGBM"
    assert catalogue.of_source("s3://box/lightgbm/sourcedir.tar.gz") is None


@pytest.mark.parametrize("algorithm", EVERY)
def test_what_a_refusal_expects_is_what_is_accepted(algorithm: Algorithm) -> None:
    """The pattern in AWS's sentence agrees with the check."""
    for hyperparameter in algorithm.hyperparameters.values():
        if algorithm.messages != "toolkit" or hyperparameter.type not in {"Integer", "Continuous"}:
            continue
        (pattern,) = re.findall(r"pattern '(.*?)'(?:;|$)", contract._expected(hyperparameter))
        default = hyperparameter.default or str(hyperparameter.min or 1)
        assert re.fullmatch(pattern, default), (hyperparameter.name, pattern)
        assert not re.fullmatch(pattern, "abc")
