"""What the emulator has in AWS's buckets of JumpStart: LightGBM and CatBoost, whose stand-ins are scripts as in AWS.

The SageMaker SDK finds there which models there are (the manifest), and of each its images, source archives and hyperparameters
(the specs). Documents and archives are made of the catalogue and of the files in `algorithms/scripts`.
"""

import gzip
import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from local_emulator.domain.names import AwsScope
from sm_tuning.rules import catalogue
from sm_tuning.rules.catalogue import Algorithm, Hyperparameter

ACCOUNT = "763104351884"
"""AWS's account that holds its deep learning images; here it owns the buckets, too."""

_PREFIX = "jumpstart-cache-prod-"
_NAME = rf"{_PREFIX}[a-z]{{2}}(?:-[a-z]+)+-\d"
_IN_ADDRESS = re.compile(rf"(?:[^/]*/(?P<path>{_NAME})|(?P<host>{_NAME})\.[^/]*)(?:/(?P<key>.*))?", re.DOTALL)
_VERSIONS = {"lightgbm": "2.2.7", "catboost": "2.1.21"}  # of the models, the newest in the SDK's table
_REQUIREMENTS = {"lightgbm": "lightgbm>=4\n", "catboost": "catboost>=1.2\n"}
_LEAST_SDK = "2.189.0"
_IMAGES = {"training": "pytorch-training:1.9.0-cpu-py38", "hosting": "pytorch-inference:1.9.0-cpu-py38"}
_FAMILIES = ("c4", "c5", "c5n", "c6i", "c7i", "m4", "m5", "m5d", "m6i", "m7i", "r5", "t2", "t3")
_TASKS = ("classification", "regression")
_TYPES = {"Integer": "int", "Continuous": "float", "Categorical": "text", "FreeText": "text"}
_OF_ONE_TASK = {"tweedie_variance_power": "regression", "scale_pos_weight": "classification"}
_SOURCE = re.compile(
    r"source-directory-tarballs/(\w+)/(transfer_learning|inference)/(\w+)/(?:prepack/)?v[\d.]+/sourcedir\.tar\.gz"
)
_ARTIFACT = re.compile(r"(\w+)-training/(?:v[\d.]+/)?train-([\w-]+)\.tar\.gz")
_SPECS = re.compile(r"community_models_specs/([\w-]+)/specs_v[\d.]+\.json")
_SCRIPTS = files("local_emulator") / "algorithms" / "scripts"


def region(bucket: str) -> str | None:
    """The region of a bucket of JumpStart; None if it is none."""
    return bucket.removeprefix(_PREFIX) if re.fullmatch(_NAME, bucket) else None


def named_in(address: str) -> tuple[str, str] | None:
    """Bucket and key of a request to a bucket of JumpStart, by its host and path; None if it is for another."""
    match = _IN_ADDRESS.fullmatch(address)
    return (match["path"] or match["host"], match["key"] or "") if match else None


@lru_cache(maxsize=64)
def content(where: str, key: str) -> bytes | None:
    """What lies under a key in the bucket of a region; None if nothing does. Archives are the same at all versions."""
    if key == "models_manifest.json":
        return _json([_header(model) for model in _models()])
    if key == "proprietary-sdk-manifest.json":
        return b"[]"
    if (match := _SPECS.fullmatch(key)) and match[1] in _models():
        return _json(_specs(match[1], where))
    if (match := _SOURCE.fullmatch(key)) and match[1] in _VERSIONS and match[3] in _TASKS:
        return _archive(_members(match[1], match[3], training=match[2] == "transfer_learning"))
    if (match := _ARTIFACT.fullmatch(key)) and match[2] in _models():
        return _archive({})  # there is no model to go on from
    return None


def _models() -> Mapping[str, tuple[str, str]]:
    """Algorithm and task of each model, by its id."""
    return {f"{algorithm}-{task}-model": (algorithm, task) for algorithm in _VERSIONS for task in _TASKS}


def _json(document: object) -> bytes:
    return json.dumps(document).encode()


# --- documents --------------------------------------------------------------------------------------------------------------


def _header(model: str) -> Mapping[str, Any]:
    version = _VERSIONS[_models()[model][0]]
    return {
        "model_id": model,
        "version": version,
        "min_version": _LEAST_SDK,
        "spec_key": f"community_models_specs/{model}/specs_v{version}.json",
        "search_keywords": [],
    }


def _specs(model: str, where: str) -> Mapping[str, Any]:
    name, task = _models()[model]
    algorithm, version = catalogue.load(name), _VERSIONS[name]
    source = f"source-directory-tarballs/{name}/{{}}/{task}/v{version}/sourcedir.tar.gz"
    instances = [f"ml.m5.{size}" for size in ("large", "xlarge", "2xlarge", "4xlarge")]
    return {
        "model_id": model,
        "url": f"https://docs.aws.amazon.com/sagemaker/latest/dg/{name}.html",
        "version": version,
        "min_sdk_version": _LEAST_SDK,
        "training_supported": True,
        "incremental_training_supported": True,
        "hosting_ecr_specs": _framework(),
        "hosting_artifact_key": f"{name}-infer/infer-{model}.tar.gz",
        "hosting_script_key": source.format("inference"),
        "hosting_use_script_uri": True,
        "hosting_instance_type_variants": _variants("hosting", where),
        "default_inference_instance_type": "ml.m5.xlarge",
        "supported_inference_instance_types": instances,
        "predictor_specs": {
            "supported_content_types": ["text/csv"],
            "supported_accept_types": ["application/json", "application/json;verbose"],
            "default_content_type": "text/csv",
            "default_accept_type": "application/json",
        },
        "training_ecr_specs": _framework(),
        "training_artifact_key": f"{name}-training/train-{model}.tar.gz",
        "training_script_key": source.format("transfer_learning"),
        "training_instance_type_variants": _variants("training", where),
        "default_training_instance_type": "ml.m5.xlarge",
        "supported_training_instance_types": instances,
        "hyperparameters": [*_hyperparameters(algorithm, task), *_of_the_container()],
        "metrics": [{"Name": metric, "Regex": regex} for metric, regex in algorithm.metrics.items()],
    }


def _framework() -> Mapping[str, str]:
    return {"framework": "pytorch", "framework_version": "1.9.0", "py_version": "py38"}


def _variants(scope: str, where: str) -> Mapping[str, Any]:
    suffix = "amazonaws.com.cn" if AwsScope(region=where, account=ACCOUNT).partition == "aws-cn" else "amazonaws.com"
    alias = f"{scope}_image"
    return {
        "regional_aliases": {where: {alias: f"{ACCOUNT}.dkr.ecr.{where}.{suffix}/{_IMAGES[scope]}"}},
        "variants": {family: {"regional_properties": {"image_uri": f"${alias}"}} for family in _FAMILIES},
    }


def _hyperparameters(algorithm: Algorithm, task: str) -> Iterator[Mapping[str, Any]]:
    for name, hyperparameter in algorithm.hyperparameters.items():
        if _OF_ONE_TASK.get(name, task) == task:
            yield {
                "name": name,
                "type": _TYPES[hyperparameter.type],
                "default": hyperparameter.default,
                "scope": "algorithm",
                **_bounds(hyperparameter),
            }


def _bounds(hyperparameter: Hyperparameter) -> Mapping[str, Any]:
    bounds = {
        "min": hyperparameter.min,
        "max": hyperparameter.max,
        "exclusive_min": hyperparameter.above,
        "exclusive_max": hyperparameter.below,
        "options": list(hyperparameter.values) or None,
    }
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _of_the_container() -> Iterator[Mapping[str, Any]]:
    values = {
        "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz",
        "sagemaker_program": "transfer_learning.py",
        "sagemaker_container_log_level": "20",
    }
    for name, value in values.items():
        yield {"name": name, "type": "text", "default": value, "scope": "container"}


# --- archives ---------------------------------------------------------------------------------------------------------------


def _members(name: str, task: str, *, training: bool) -> Mapping[str, bytes]:
    algorithm = catalogue.load(name)
    described = {"title": algorithm.title, "task": task, "hyperparameters": list(_hyperparameters(algorithm, task))}
    members = {
        "inference.py": (_SCRIPTS / f"{algorithm.script}_inference.py").read_bytes(),
        "tabular.py": (_SCRIPTS / "tabular.py").read_bytes(),
        "algorithm.json": _json(described),
        "requirements.txt": _REQUIREMENTS[name].encode(),
    }
    return (
        {**members, "transfer_learning.py": (_SCRIPTS / f"{algorithm.script}_training.py").read_bytes()} if training else members
    )


def _archive(members: Mapping[str, bytes]) -> bytes:
    """A .tar.gz, the same each time."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
