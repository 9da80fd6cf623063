"""The PyTorch image: what a script leaves out, and a TorchScript model without a script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from .encoding import CSV, INFERENCE, TEXT, UnsupportedFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .code import Function


class ModelLoadError(Exception):
    """The file of a model is no TorchScript."""


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load(model_dir: str) -> Any:  # noqa: ANN401 - a ScriptModule
    """The TorchScript of model.pt, or of the only .pt or .pth."""
    path = Path(model_dir, "model.pt")
    if not path.exists():
        files = [file.name for file in Path(model_dir).iterdir() if file.is_file() and file.suffix in {".pt", ".pth"}]
        if len(files) != 1:
            raise ValueError(f"Exactly one .pth or .pt file is required for PyTorch models: {files}")
        path = Path(model_dir, files[0])
    try:
        model = torch.jit.load(str(path), map_location=_device())
    except RuntimeError as error:
        raise ModelLoadError(f"Failed to load {path}. Please ensure model is saved using torchscript.") from error
    return model.to(_device())


def decode(content: Any, content_type: str) -> Any:  # noqa: ANN401 - a body, a tensor
    """A tensor, of single precision if it came as text; raises UnsupportedFormatError."""
    array = INFERENCE.decode(content, content_type)
    tensor = torch.FloatTensor(array) if content_type in TEXT else torch.from_numpy(array)
    return tensor.to(_device())


def predict(data: Any, model: Any) -> Any:  # noqa: ANN401 - tensors, a module
    """What the model says, without gradients."""
    with torch.no_grad():
        model = model.to(_device())
        model.eval()
        return model(data.to(_device()))


def encode(prediction: Any, accept: str) -> Any:  # noqa: ANN401 - a tensor, or array-like
    """The first content type of Accept that is known; raises UnsupportedFormatError."""
    if type(prediction) is torch.Tensor:
        prediction = prediction.detach().cpu().numpy().tolist()
    for content_type in accept.replace(" ", "").split(","):
        if content_type in INFERENCE.encoders:
            encoded = INFERENCE.encode(prediction, content_type)
            return encoded.encode() if content_type == CSV else encoded
    raise UnsupportedFormatError(accept)


DEFAULTS: Mapping[str, Function] = {"model_fn": load, "input_fn": decode, "predict_fn": predict, "output_fn": encode}
"""What a script may leave out."""
