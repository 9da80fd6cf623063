"""Keys of S3 with characters that have a meaning in addresses, in XML or in its encoding by `encoding-type=url`."""

import urllib.parse
from collections.abc import Iterator, Mapping, MutableMapping
from functools import partialmethod
from typing import Any

from local_emulator.cloud.moto_modules import MotoObject, moto

# What moto leaves as it is though `encoding-type=url` was asked for, and clients decode: members of a list, and of its items.
_PLAIN: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "ListObjects": (("Delimiter",), {"CommonPrefixes": "Prefix"}),
    "ListObjectsV2": (("StartAfter", "Delimiter"), {}),
    "ListObjectVersions": (
        ("KeyMarker", "NextKeyMarker", "Prefix", "Delimiter"),
        {"Versions": "Key", "DeleteMarkers": "Key", "CommonPrefixes": "Prefix"},
    ),
}


def route(server: MotoObject) -> None:
    """Let moto's server find the addresses of keys with line feeds."""
    original = server.RegexConverter
    server.RegexConverter = lambda url_map, regex, *others: original(url_map, f"(?s:{regex})", *others)


def apply() -> None:
    """Patch moto's answers; a second call does nothing."""
    response = moto("s3.responses").S3Response
    if not isinstance(vars(response).get("serialized"), partialmethod):
        response.serialized = partialmethod(_serialized, response.serialized)


def _serialized(response: MotoObject, original: Any, action_result: MotoObject) -> MotoObject:  # noqa: ANN401 - a method of moto's
    result, action = action_result.result, response.data.get("Action")
    if action in _PLAIN and response.querystring.get("encoding-type") == ["url"] and isinstance(result, dict):
        result["EncodingType"] = "url"
        for holder, member in _plain(result, *_PLAIN[action]):
            holder[member] = urllib.parse.quote(holder[member])
    status, headers, body = original(response, action_result)
    if isinstance(body, str) and body.startswith("<"):
        body = body.replace("\r", "&#13;")  # readers of XML take it for a line feed
    return status, headers, body


def _plain(
    result: MutableMapping[str, Any], members: tuple[str, ...], of_items: Mapping[str, str]
) -> Iterator[tuple[MutableMapping[str, Any], str]]:
    yield from ((result, member) for member in members if result.get(member))
    yield from ((item, member) for items, member in of_items.items() for item in result.get(items, ()))
