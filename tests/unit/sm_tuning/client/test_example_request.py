"""How many numbers the records of an example have."""

import io
import json
import pickle
import tarfile
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sm_tuning.client.example_request import advice, features_in, features_of, records


class Estimator:
    """Pickled as scikit-learn's are: by its attributes, those that it is made of after its own."""

    def __init__(self, width: int, *parts: "Estimator") -> None:
        self.n_features_in_ = width
        self.parts = parts


class Stacked:
    """The last of scikit-learn's stacked estimators is written before the first."""

    def __init__(self, last: Estimator, first: Estimator) -> None:
        self.__module__ = "sklearn.ensemble._stacking"
        self.parts = last, first


def archive(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def booster(width: object) -> bytes:
    return json.dumps({"learner": {"learner_model_param": {"num_feature": width}}}).encode()


@pytest.mark.parametrize("width", [1, 30, 255, 256, 784, 65536, 100_000])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_an_estimator_tells_how_many_it_takes(width: int, protocol: int) -> None:
    assert features_in(archive(model=pickle.dumps(Estimator(width, Estimator(1)), protocol))) == width


@pytest.mark.parametrize(
    ("files", "width"),
    [
        ({"model": pickle.dumps(Estimator(2, Estimator(5)))}, 2),
        ({"model": pickle.dumps(Stacked(Estimator(1), Estimator(5)))}, None),
        ({"model": pickle.dumps(Estimator(5)), "scaler": pickle.dumps(Estimator(5))}, 5),
        ({"model": pickle.dumps(Estimator(5)), "scaler": pickle.dumps(Estimator(4))}, None),
        ({"model": booster("13")}, 13),
        ({"model": booster("many")}, None),
        ({"model": booster("0")}, None),
        ({"model": b"{}"}, None),
        ({"model": b'{"learner": []}'}, None),
        ({"model": b"[" * 100_000}, None),
        ({"model": b"{" + b'"a":[' * 100_000}, None),
        ({"weights": b"n_features_in_"}, None),
        ({}, None),
    ],
)
def test_what_files_tell(files: dict[str, bytes], width: int | None) -> None:
    assert features_in(archive(**files)) == width


def test_what_is_no_archive_tells_nothing() -> None:
    assert features_in(b"no archive") is None
    assert features_in(archive(model=pickle.dumps(Estimator(3)))[:-20]) in {3, None}


def test_a_hyperparameter_tells_it_and_a_large_model_is_not_read() -> None:
    body = archive(model=pickle.dumps(Estimator(30)))

    def s3(length: int) -> Any:
        return SimpleNamespace(
            head_object=lambda **_: {"ContentLength": length}, get_object=lambda **_: {"Body": io.BytesIO(body)}
        )

    assert features_of(s3(len(body)), "s3://box/model.tar.gz", {"feature_dim": "12"}) == 12
    assert features_of(s3(len(body)), "s3://box/model.tar.gz", {"feature_dim": "auto"}) == 30
    assert features_of(s3(2**30), "s3://box/model.tar.gz", {}) is None
    assert features_of(s3(len(body)), "s3://box/model", {}) is None, "a folder"

    def denied(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")

    assert features_of(SimpleNamespace(head_object=denied), "s3://box/model.tar.gz", {}) is None


def test_records_have_the_model_s_shape_or_are_said_to_be_replaced() -> None:
    assert (records(4), advice(4)) == ("1,2,3,4\n5,6,7,8", None)
    assert records(None) == records(101) == "1,2,3\n4,5,6"
    assert advice(None) == "replace the records 1,2,3 and 4,5,6 by yours: how many numbers the model takes is not known"
    assert advice(101) == "replace the records 1,2,3 and 4,5,6 by yours: the model takes 101 numbers each"
