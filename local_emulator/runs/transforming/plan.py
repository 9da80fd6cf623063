"""What a transform run is to do, as a file that its program reads."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from local_emulator.domain.transform import TransformOptions

_MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class TransformPlan(TransformOptions):
    """Paths, the names of the model's containers, and the request's members.

    `folder` is the run's, of which `servers` are the containers' programs; `input` is the folder of the files, `output` that of their
    answers; `log` is the data log, `reason` the file of a FailureReason.
    """

    folder: str
    containers: tuple[str, ...]
    input: str
    output: str
    log: str
    reason: str
    location: str  # bucket/prefix of the input, for the data log

    def write(self, path: Path) -> None:
        """Write the file."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> "TransformPlan":
        """Read the file."""
        facts: dict[str, Any] = json.loads(path.read_text())
        return cls(**{**facts, "containers": tuple(facts["containers"])})

    def with_answer(self, answer: Any) -> "TransformPlan":  # noqa: ANN401 - JSON
        """The plan with what the server says of `/execution-parameters`, where the request says nothing; raises ValueError."""
        if not isinstance(answer, dict):
            raise ValueError(f"it must be an object, not {answer!r}")  # noqa: TRY004 - of the data
        names = {"max_concurrent": "MaxConcurrentTransforms", "strategy": "BatchStrategy", "max_payload": "MaxPayloadInMB"}
        said = {name: answer[word] for name, word in names.items() if getattr(self, name) is None and word in answer}
        for name in said.keys() - {"strategy"}:
            if type(said[name]) is not int or said[name] < 0:
                raise ValueError(f"{names[name]} is {said[name]!r}; it must be a number from 0")
        strategy = str(said.get("strategy", "")).replace("_", "").lower()
        if "strategy" in said:
            said["strategy"] = "SingleRecord" if strategy == "singlerecord" else "MultiRecord"
        return replace(self, **said)

    @property
    def limit(self) -> int:
        """Most bytes of a payload; 0 for any number."""
        return (6 if self.max_payload is None else self.max_payload) * _MIB

    @property
    def concurrent(self) -> int:
        """Requests at a time; 0 in a request means that the server's default is to be used, which is 1."""
        return max(self.max_concurrent or 1, 1)

    @property
    def several(self) -> bool:
        """Whether a request has as many records as fit."""
        return (self.strategy or "MultiRecord") == "MultiRecord"
