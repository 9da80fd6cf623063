"""The context that TorchServe hands to functions that take one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Headers(dict):  # type: ignore[type-arg]
    """Headers of a request by any spelling."""

    def get(self, key: Any, default: Any = None) -> Any:  # noqa: ANN401 - dict's
        return super().get(str(key).lower(), default)

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 - dict's
        return super().__getitem__(str(key).lower())

    def __contains__(self, key: object) -> bool:
        return super().__contains__(str(key).lower())


class RequestProcessor:
    """Headers of a request and of its response."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._properties = _Headers(headers)

    def get_request_properties(self) -> Mapping[str, str]:
        """All headers of the request."""
        return self._properties

    def get_request_property(self, key: str) -> str | None:
        """A header of the request."""
        value: str | None = self._properties.get(key)
        return value


class Context:
    """One for all requests, as in TorchServe: of each it tells the headers, and takes status and headers of the response."""

    def __init__(self, model_dir: str) -> None:
        self.manifest: dict[str, Any] = {"model": {"modelName": "model"}}
        self.model_name = "model"
        self.system_properties = {
            "model_dir": model_dir,
            "gpu_id": None,
            "batch_size": 1,
            "server_name": "MMS",
            "server_version": "0.12.0",
            "limit_max_image_pixels": True,
        }
        self.metrics = None
        self.begin({})

    def begin(self, headers: Mapping[str, str]) -> None:
        """Begin a request."""
        self.request_ids = {0: "request-0"}
        self.request_processor = [RequestProcessor(headers)]
        self.response_headers: dict[str, str] = {}
        self.status = 200
        self.content_type: str | None = None

    def get_request_id(self, idx: int = 0) -> str | None:
        """The id of a request of the batch, which has one."""
        return self.request_ids.get(idx)

    def get_request_header(self, idx: int, key: str) -> str | None:
        """A header of the request."""
        return self.request_processor[idx].get_request_property(key)

    def get_all_request_header(self, idx: int) -> Mapping[str, str]:
        """All headers of the request."""
        return self.request_processor[idx].get_request_properties()

    def set_response_content_type(self, idx: int, value: str) -> None:  # noqa: ARG002 - TorchServe's
        """Set the content type of the response."""
        self.content_type = value

    def get_response_content_type(self, idx: int) -> str | None:  # noqa: ARG002 - TorchServe's
        """The content type of the response, if it was set."""
        return self.content_type

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:  # noqa: ARG002 - TorchServe's
        """Set the code of the response."""
        self.status = int(code)

    def set_all_response_status(self, code: int = 200, phrase: str = "") -> None:
        """Set the code of the response."""
        self.set_response_status(code, phrase)

    def set_response_header(self, idx: int, key: str, value: str) -> None:  # noqa: ARG002 - TorchServe's
        """Set a header of the response."""
        self.response_headers[str(key)] = str(value)

    def get_response_headers(self, idx: int) -> Mapping[str, str]:  # noqa: ARG002 - TorchServe's
        """Headers of the response that were set."""
        return self.response_headers
