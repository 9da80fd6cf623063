"""The arrays of scikit-learn's multi-layer perceptron for mlp.py: what they answer, how they are saved, and the solver's state."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from contract import write_whole
from images import scaled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]


def outputs(x: Array, coefs: Sequence[Array], intercepts: Sequence[Array]) -> Array:
    """The last layer before softmax: one column per class."""
    last = len(coefs) - 1
    for layer, (coef, intercept) in enumerate(zip(coefs, intercepts)):  # noqa: B905 - Python 3.9 has no strict
        x = x @ coef + intercept
        x = x if layer == last else np.maximum(x, 0)
    return x if x.shape[1] > 1 else np.column_stack([np.zeros(len(x), x.dtype), x])  # two classes share one unit


def judged(x: Array, y: Array, coefs: Sequence[Array], intercepts: Sequence[Array]) -> tuple[float, float]:
    """Mean cross-entropy, not clipped, and accuracy."""
    loss = right = 0.0
    for start in range(0, len(x), 8192):
        z = outputs(x[start : start + 8192], coefs, intercepts).astype(np.float64)
        labels = y[start : start + 8192]
        z -= z.max(axis=1, keepdims=True)
        loss += float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]).sum())
        right += float((z.argmax(axis=1) == labels).sum())
    return loss / len(x), right / len(x)


def packed(about: Any, **groups: Sequence[Array]) -> bytes:  # noqa: ANN401 - any JSON
    """Lists of arrays as an npz file, coef as coef_0, coef_1 and so on; what is not None in `about` as JSON beside them."""
    arrays: dict[str, Any] = {f"{name}_{index}": array for name, group in groups.items() for index, array in enumerate(group)}
    if about is not None:
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def unpacked(content: bytes) -> tuple[Any, dict[str, list[Array]]]:
    """The inverse of `packed`."""
    groups: dict[str, list[Array]] = {}
    with np.load(io.BytesIO(content), allow_pickle=False) as held:
        about = json.loads(held["about"].tobytes()) if "about" in held.files else None
        for name in held.files:
            if name != "about":
                groups.setdefault(name.rpartition("_")[0], []).append(held[name])
    return about, groups


def solver_state(model: Any) -> tuple[int, dict[str, list[Array]]]:  # noqa: ANN401 - scikit-learn ships no types
    """Steps made, and the arrays that adam or sgd remembers; scikit-learn shows them nowhere else."""
    optimizer = model._optimizer  # noqa: SLF001 - see above
    if model.solver == "adam":
        return optimizer.t, {"m": optimizer.ms, "v": optimizer.vs}
    return 0, {"velocity": optimizer.velocities}


def set_solver_state(model: Any, steps: int, groups: Mapping[str, list[Array]]) -> None:  # noqa: ANN401 - see above
    """Put back what `solver_state` gave, into a model that has made a step."""
    optimizer = model._optimizer  # noqa: SLF001 - see above
    if model.solver == "adam":
        optimizer.t, optimizer.ms, optimizer.vs = steps, groups["m"], groups["v"]
    else:
        optimizer.velocities = groups["velocity"]


def save_model(folder: Path, coefs: Sequence[Array], intercepts: Sequence[Array], about: Mapping[str, Any]) -> None:
    """Write model.npz (weights) and model.json (all else that `predict` and a reader need)."""
    write_whole(folder / "model.npz", packed(None, coef=coefs, intercept=intercepts))
    write_whole(folder / "model.json", json.dumps({"format": 1, **about}, indent=1).encode())


def load_model(folder: str | Path) -> Callable[[Array], Array]:
    """The model that was saved in a folder: a function of images, (images, pixels) or (images, height, width), to their labels."""
    about = json.loads((Path(folder) / "model.json").read_text(encoding="utf-8"))
    _, groups = unpacked((Path(folder) / "model.npz").read_bytes())

    def labels(images: Array) -> Array:
        z = outputs(scaled(images, about["low"], about["high"]), groups["coef"], groups["intercept"])
        classes: Array = np.asarray(about["classes"])
        return classes[z.argmax(axis=1)]  # type: ignore[no-any-return] # numpy's own

    return labels


def predict(folder: str | Path, images: Array) -> Array:
    """The labels of images by the model that was saved in a folder."""
    return load_model(folder)(images)
