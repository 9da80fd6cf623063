"""The lines of access logs, as AWS's containers write them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .messages import Request, Response


def nginx(request: Request, response: Response, client: tuple[str, int], _seconds: float) -> str:
    """Line of nginx's `combined`, of the containers whose server is Flask behind nginx."""
    moment = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
    agent, referer = request.headers.get("user-agent", "-"), request.headers.get("referer", "-")
    return (
        f'{client[0]} - - [{moment}] "{request.method} {request.path} HTTP/1.1" {response.status} {len(response.body)} '
        f'"{referer}" "{agent}"'
    )


def torchserve(request: Request, response: Response, client: tuple[str, int], seconds: float) -> str:
    """Line of TorchServe's ACCESS_LOG, whose last number is milliseconds."""
    now = time.time()
    moment = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))},{int(now * 1000) % 1000:03}"
    return (
        f"{moment} [INFO ] pool-2-thread-1 ACCESS_LOG - /{client[0]}:{client[1]} "
        f'"{request.method} {request.path} HTTP/1.1" {response.status} {int(seconds * 1000)}'
    )
