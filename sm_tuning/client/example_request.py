"""An example of a request to an endpoint: two records of as many numbers as the model takes, if that can be told without it.

No model is unpickled, which would run its code: numbers are looked for in its files.
"""

import io
import json
import re
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from sm_tuning.boto import Client
from sm_tuning.client.errors import unless_denied
from sm_tuning.spec.s3 import split_uri

_MOST_FEATURES = 100  # whose records are written out
_MOST_BYTES = 32 * 2**20  # of an archive that is looked into, and of what is read of each file in it
_FEW = 3  # numbers of a record that stands for others
# The attribute of scikit-learn's estimators in a pickle: its name, perhaps remembered, and a whole number of 1, 2 or 4 bytes.
_SCIKIT_LEARN = re.compile(rb"n_features_in_(?:\x94|q.|r.{4})?(?:K(?P<byte>.)|M(?P<two>..)|J(?P<four>.{4}))", re.DOTALL)

_INNER_FIRST = (
    b"sklearn.ensemble._stacking",
    b"sklearn.compose._target",
)  # modules of those that write what they are made of before


def records(features: int | None) -> str:
    """Two lines of so many numbers; of three where that is not known or too many, which are to be replaced."""
    width = features if features is not None and features <= _MOST_FEATURES else _FEW
    return "\n".join(",".join(map(str, range(first, first + width))) for first in (1, 1 + width))


def advice(features: int | None) -> str | None:
    """What is to be done with the example's records before they are sent; None where they have the model's shape."""
    if features is not None and features <= _MOST_FEATURES:
        return None
    width = "how many numbers the model takes is not known" if features is None else f"the model takes {features} numbers each"
    return f"replace the records {' and '.join(records(None).splitlines())} by yours: {width}"


def features_of(s3: Client, uri: str, hyperparameters: Mapping[str, str]) -> int | None:
    """How many numbers a record of a model has, by its hyperparameter `feature_dim` or its files; None where neither tells."""
    if (width := hyperparameters.get("feature_dim", "")).isdecimal():
        return int(width)
    bucket, key = split_uri(uri)
    if not key.endswith(".tar.gz"):
        return None
    head = unless_denied(partial(s3.head_object, Bucket=bucket, Key=key))
    if head is None or head["ContentLength"] > _MOST_BYTES:
        return None
    answer = unless_denied(partial(s3.get_object, Bucket=bucket, Key=key))
    return None if answer is None else features_in(answer["Body"].read())


def features_in(archive: bytes) -> int | None:
    """The same by the files of an archive: scikit-learn's pickles, XGBoost's JSON; None where they tell none, or several."""
    widths = set()
    with suppress(tarfile.TarError, OSError, EOFError), tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            content = b"" if file is None else file.read(_MOST_BYTES)
            widths |= {width for width in (_of_pickle(content), _of_xgboost(content)) if width}
    return widths.pop() if len(widths) == 1 else None


def _of_pickle(content: bytes) -> int | None:
    """What the outermost estimator that says so takes, which is written before those that it is made of."""
    match = _SCIKIT_LEARN.search(content)
    if match is None or any(module in content for module in _INNER_FIRST):
        return None
    return int.from_bytes(match[match.lastgroup or 0], "little")


def _of_xgboost(content: bytes) -> int | None:
    if not content.startswith(b"{"):
        return None
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        model: Any = json.loads(content)
        return int(model["learner"]["learner_model_param"]["num_feature"])
    return None
