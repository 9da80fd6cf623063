"""A pytest plugin, or imported first: what clients are made of is read and made once, not for every client."""

import copy
import functools
import inspect
from collections.abc import Callable
from typing import Any

import botocore.client
import botocore.hooks
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


def _share_names(initialize: Callable[..., None]) -> Callable[..., None]:
    """Of an EventAliaser's initialization: those of the usual aliases know what the others have worked out."""
    known: dict[str, str] = {}

    def initialize_and_share(aliaser: Any, *arguments: Any, **options: Any) -> None:
        initialize(aliaser, *arguments, **options)
        if aliaser._event_aliases == botocore.hooks.EVENT_ALIASES:
            aliaser._alias_name_cache = known

    return initialize_and_share


def _takes_others(ask: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Of the question whether a handler takes further keywords: a function's code says so too."""

    def look(handler: Any) -> Any:
        code = getattr(handler, "__code__", None)
        return code.co_flags & inspect.CO_VARKEYWORDS if code else ask(handler)

    return look


aliaser = botocore.hooks.EventAliaser
aliaser.__init__ = _share_names(aliaser.__init__)  # type: ignore[method-assign] # that is what this module does
botocore.hooks.accepts_kwargs = _takes_others(botocore.hooks.accepts_kwargs)  # type: ignore[assignment] # see above
for method in ("_load_service_model", "_create_methods"):
    setattr(botocore.client.ClientCreator, method, _once(getattr(botocore.client.ClientCreator, method)))
