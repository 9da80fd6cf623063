"""A pytest plugin, or imported first: what a client is made of is read and made once for each service, not for every client."""

import copy
import functools
from collections.abc import Callable
from typing import Any

import botocore.client
import botocore.loaders
import botocore.session

botocore.loaders.create_loader = botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)


def _once(make: Callable[..., Any]) -> Callable[..., Any]:
    """Of a ClientCreator's method: what it makes of a service's name or model, as copies of one."""
    made: dict[Any, Any] = {}

    def make_once(creator: Any, service: Any, *version: Any) -> Any:
        key = (getattr(service, "service_name", service), *version)
        if key not in made:
            made[key] = make(creator, service, *version)
        return copy.copy(made[key])

    return make_once


for method in ("_load_service_model", "_create_methods"):
    setattr(botocore.client.ClientCreator, method, _once(getattr(botocore.client.ClientCreator, method)))
