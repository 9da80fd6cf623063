"""The scikit-learn image: what a script leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .encoding import CONTAINERS, TEXT
from .flask_worker import FlaskWorker, no_model_fn, output

if TYPE_CHECKING:
    from .code import Function, Source


def make(source: Source) -> FlaskWorker:
    """The application for a script."""
    defaults: dict[str, Function] = {"model_fn": no_model_fn, "input_fn": decode, "predict_fn": predict, "output_fn": output}
    return FlaskWorker(source, defaults, tells_parameters=True)


def decode(content: Any, content_type: str) -> Any:  # noqa: ANN401 - a body, an array
    """An array, of single precision if it came as text; raises UnsupportedFormatError."""
    array = CONTAINERS.decode(content, content_type)
    return array.astype(np.float32) if content_type in TEXT else array


def predict(array: Any, model: Any) -> Any:  # noqa: ANN401 - scikit-learn has no types
    """What the model says of an array."""
    return model.predict(array)
