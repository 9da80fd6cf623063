"""Who may come in, as a matrix; and what a real browser or a rebinding attacker would send."""

import http.client
from typing import Any


def test_the_guard_stands_in_front_of_every_route(server: Any) -> None:
    for path in ("/", "/_health", "/bucket/key", "/moto-api/", "/latest/meta-data"):
        for header, value, status in (
            ("Host", "evil.test", 421),
            ("Origin", "http://evil.test", 403),
            ("Sec-Fetch-Site", "none", 403),
        ):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
            connection.request("GET", path, headers={header: value})
            answer = connection.getresponse()
            answer.read()
            connection.close()
            assert answer.status == status, (path, header)
            assert answer.headers.get("Access-Control-Allow-Origin") is None
