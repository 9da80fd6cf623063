"""The documents and archives of AWS's buckets of JumpStart, as far as they are here."""

import io
import json
import tarfile
from typing import Any

import pytest

from local_emulator.cloud import jumpstart
from sm_tuning.rules import catalogue

MODELS = [f"{name}-{task}-model" for name in ("lightgbm", "catboost") for task in ("classification", "regression")]


def document(key: str, region: str = "us-east-1") -> Any:
    content = jumpstart.content(region, key)
    assert content is not None, key
    return json.loads(content)


def members(key: str) -> dict[str, bytes]:
    content = jumpstart.content("us-east-1", key)
    assert content is not None, key
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        files = {member.name: archive.extractfile(member) for member in archive}
        return {name: file.read() for name, file in files.items() if file is not None}


def specs(model: str, region: str = "us-east-1") -> Any:
    (header,) = [header for header in document("models_manifest.json") if header["model_id"] == model]
    return document(header["spec_key"], region)


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("127.0.0.1:4700/jumpstart-cache-prod-eu-west-1/a/b c.json", ("jumpstart-cache-prod-eu-west-1", "a/b c.json")),
        ("localhost/jumpstart-cache-prod-us-gov-west-1", ("jumpstart-cache-prod-us-gov-west-1", "")),
        ("jumpstart-cache-prod-us-east-1.s3.us-east-1.amazonaws.com/key", ("jumpstart-cache-prod-us-east-1", "key")),
        ("jumpstart-cache-prod-us-east-1.localhost:4700/key", ("jumpstart-cache-prod-us-east-1", "key")),
        ("127.0.0.1/my-jumpstart-cache-prod-us-east-1/key", None),
        ("127.0.0.1/jumpstart-cache-prod-us-east-1x/key", None),
        ("127.0.0.1/box/jumpstart-cache-prod-us-east-1.json", None),
    ],
)
def test_requests_are_known_by_their_address(address: str, named: tuple[str, str] | None) -> None:
    assert jumpstart.named_in(address) == named


def test_the_manifest_lists_what_is_here() -> None:
    assert [header["model_id"] for header in document("models_manifest.json")] == MODELS
    assert document("proprietary-sdk-manifest.json") == []


@pytest.mark.parametrize("model", MODELS)
def test_specs_name_images_archives_and_the_catalogues_hyperparameters(model: str) -> None:
    described = specs(model, "eu-west-1")
    name, task = model.split("-")[:2]
    for scope in ("training", "hosting"):
        variants = described[f"{scope}_instance_type_variants"]
        alias = variants["variants"]["m5"]["regional_properties"]["image_uri"].removeprefix("$")
        assert ".dkr.ecr.eu-west-1.amazonaws.com/pytorch-" in variants["regional_aliases"]["eu-west-1"][alias]
    assert members(described["training_script_key"]).keys() > members(described["hosting_script_key"]).keys() > {"inference.py"}
    assert members(described["training_artifact_key"]) == {}
    defaults = {entry["name"]: entry["default"] for entry in described["hyperparameters"] if entry["scope"] == "algorithm"}
    known = {key: value.default for key, value in catalogue.load(name).hyperparameters.items()}
    absent = {"classification": {"tweedie_variance_power"}, "regression": {"scale_pos_weight"}}[task]
    assert defaults == {key: value for key, value in known.items() if key not in absent}
    assert jumpstart.content("eu-west-1", described["hosting_artifact_key"]) is None  # nothing was trained here


def test_archives_are_the_same_at_every_version_and_each_time() -> None:
    key = "source-directory-tarballs/lightgbm/transfer_learning/classification/{}sourcedir.tar.gz"
    newest = jumpstart.content("us-east-1", key.format("v2.2.7/"))
    jumpstart.content.cache_clear()
    assert jumpstart.content("us-east-1", key.format("prepack/v1.0.0/")) == newest
    inside = members(key.format("v1.2.3/"))
    assert json.loads(inside["algorithm.json"])["task"] == "classification"
    assert inside["requirements.txt"] == b"lightgbm>=4\n"
    assert catalogue.of_source(f"s3://jumpstart-cache-prod-us-east-1/{key.format('v1.2.3/')}") == catalogue.load("lightgbm")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "training-datasets/tabular_multiclass/train/data.csv",
        "source-directory-tarballs/xgboost/transfer_learning/classification/v1.0.0/sourcedir.tar.gz",
        "source-directory-tarballs/lightgbm/transfer_learning/ranking/v1.0.0/sourcedir.tar.gz",
        "community_models_specs/pytorch-tabtransformerclassification-model/specs_v1.0.0.json",
        "lightgbm-training/train-xgboost-classification-model.tar.gz",
    ],
)
def test_there_is_nothing_else(key: str) -> None:
    assert jumpstart.content("us-east-1", key) is None
