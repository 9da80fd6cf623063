"""The slopes that networks of the seventh series are trained by."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from benchmarks.trainings.autodiff import Tensor, cross_entropy, dense, descend, through

_ROWS = np.array([2, 0, 2])
_COMPUTED: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "sum": lambda left, right: left + right[0],
    "product": lambda left, right: left * right[1] * 0.5,
    "matrices": lambda left, right: left @ right.reshape(4, 3),
    "batched": lambda left, right: left.reshape(1, 3, 4) @ right.reshape(4, 3),
    "rows": lambda left, right: left[_ROWS] * right,
    "largest": lambda left, right: (left * right).max(1),
    "total": lambda left, right: (left * right).sum(0) * right,
    "classes": lambda left, right: cross_entropy(
        left * right, np.array([[1.0, 0, 0, 0], [0.2, 0.3, 0.1, 0.4], [0, 0, 0.5, 0.5]])
    ),
    **{kind: lambda left, right, kind=kind: (left * right).bent(kind) for kind in ("relu", "tanh", "sigmoid", "softplus", "exp")},  # type: ignore[misc]
}


@pytest.mark.parametrize("name", _COMPUTED)
def test_slopes_are_those_of_small_steps(name: str) -> None:
    rng = np.random.default_rng(1)
    tensors = Tensor(rng.normal(size=(3, 4))), Tensor(rng.normal(size=(3, 4)))
    pull = rng.normal(size=_COMPUTED[name](*tensors).value.shape)
    (_COMPUTED[name](*tensors) * pull).back()
    for tensor in tensors:
        slopes = tensor.slope
        for index in range(tensor.value.size):
            values = []
            for step in (1e-5, -1e-5):
                tensor.value.flat[index] += step
                values.append(float((_COMPUTED[name](*tensors).value * pull).sum()))
                tensor.value.flat[index] -= step
            assert (values[0] - values[1]) / 2e-5 == pytest.approx(slopes.flat[index], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("clip", [0.5, np.inf])
def test_a_network_learns_what_is_not_linear(clip: float) -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(200, 2))
    wanted = np.eye(2)[(inputs[:, 0] * inputs[:, 1] > 0).astype(int)]
    layers = dense(rng, 2, 16, 2)
    settings = {"lr": 0.03, "batch_size": 20, "epochs": 40, "clip": clip}
    descend(
        rng,
        layers,
        lambda rows: cross_entropy(through(layers, Tensor(inputs[rows]), "relu", rng, 0.1), wanted[rows]),
        200,
        settings,
    )
    chosen = through(layers, Tensor(inputs), "relu").value.argmax(axis=1)
    assert (chosen == wanted.argmax(axis=1)).mean() > 0.9
