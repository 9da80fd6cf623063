"""Checks that a server's answer is one that AWS's API can give, before botocore reads it.

botocore trusts what it is sent: of an HTML page, an empty body or a number where a text belongs it makes an empty or a wrong answer.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sm_tuning.boto import Client
from sm_tuning.errors import BadAnswer
from sm_tuning.program import command

_NOT_DONE = 300
_MAY_BE_EMPTY = {"ReceiveMessage"}  # of a queue that holds nothing
_REDIRECTS = {301, 302, 303, 307, 308}
_TYPES: Mapping[str, Any] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float, str),
    "double": (int, float, str),
    "timestamp": (int, float),
}
# Members that AWS's model requires and AWS leaves out: of a job that is in progress or has failed, of a package with a version.
_LEFT_OUT = frozenset({("DescribeTrainingJobResponse", "ModelArtifacts"), ("DescribeModelPackageOutput", "ModelPackageName")})


def check_answers(client: Client, url: str) -> None:
    """Let a client raise BadAnswer where the server at `url` redirects it, or answers what a JSON service's model does not know."""
    is_json = client.meta.service_model.metadata.get("protocol") == "json"

    def check(*, operation_model: Any, response_dict: Mapping[str, Any], **_: object) -> None:  # noqa: ANN401 - botocore's
        status, body = response_dict["status_code"], response_dict["body"]
        if status in _REDIRECTS:  # botocore would follow one of S3 for ever
            wrong: str | None = f"the redirect {status}"
        else:
            wrong = next(_wrong(operation_model, status, body), None) if is_json else None
        if wrong is not None:
            raise BadAnswer(
                f"the server at {url} answered {operation_model.name} with {wrong}, which AWS's API does not; "
                f"is it the emulator ({command('emulator', 'status')}), and is AWS_ENDPOINT_URL right?"
            )

    client.meta.events.register("before-parse", check)


def _wrong(operation: Any, status: int, body: bytes) -> Iterator[str]:  # noqa: ANN401 - botocore's
    """The first faults of an answer."""
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        yield f"status {status} and what is no JSON"
        return
    shape = operation.output_shape
    if not isinstance(document, dict):
        yield f"status {status} and a JSON {type(document).__name__}"
    elif status >= _NOT_DONE:
        if not isinstance(document.get("__type"), str):
            yield f"status {status} and no error's name"
    elif shape is not None:
        if shape.members and not document and operation.name not in _MAY_BE_EMPTY:
            yield f"status {status} and nothing"
        yield from _mistyped(shape, document, "")


def _mistyped(shape: Any, value: Any, name: str) -> Iterator[str]:  # noqa: ANN401 - botocore's shapes, anybody's JSON
    if not isinstance(value, _TYPES.get(shape.type_name, object)) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield f"a JSON {type(value).__name__} as {name}"
    elif shape.type_name == "structure":
        required = [member for member in shape.required_members if (shape.name, member) not in _LEFT_OUT]
        yield from (f"no {name}.{member}".replace(" .", " ") for member in required if value.get(member) is None)
        for member, part in shape.members.items():
            if value.get(member) is not None:
                yield from _mistyped(part, value[member], f"{name}.{member}".lstrip("."))
    elif shape.type_name == "list":
        for index, inner in enumerate(value):
            yield from _mistyped(shape.member, inner, f"{name}[{index}]")
    elif shape.type_name == "map":
        for key, inner in value.items():
            yield from _mistyped(shape.value, inner, f"{name}.{key}")
