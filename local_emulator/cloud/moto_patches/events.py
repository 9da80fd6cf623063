"""Messages of rules to topics, and buckets that are closed to plain HTTP: mended in moto."""

import json
from collections.abc import Callable
from functools import partialmethod
from typing import Any


def mend() -> None:
    """Mend moto, once."""
    from moto.events.models import Rule  # noqa: PLC0415 - heavy
    from moto.iam.access_control import IAMPolicyStatement  # noqa: PLC0415 - heavy

    if isinstance(vars(Rule)["send_to_targets"], partialmethod):
        return
    Rule.send_to_targets = partialmethod(_send, Rule.send_to_targets)  # type: ignore[assignment,method-assign]
    whole = IAMPolicyStatement.is_action_permitted
    IAMPolicyStatement.is_action_permitted = partialmethod(_permitted, whole)  # type: ignore[assignment,method-assign]


def _send(rule: Any, whole: Callable[..., Any], event: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - moto's own types
    """An event to a rule's targets; moto knows all but topics."""
    from moto.events.utils import EventTemplateParser  # noqa: PLC0415 - heavy
    from moto.sns.models import sns_backends  # noqa: PLC0415 - heavy

    targets = rule.targets
    topics = [one for one in targets if one["Arn"].split(":")[2] == "sns"]
    if topics and rule.event_pattern.matches_event(event):
        for one in topics:
            transformer = one.get("InputTransformer", {})
            told: object = EventTemplateParser.parse(
                transformer.get("InputTemplate"), transformer.get("InputPathsMap", {}), event
            )
            _, _, _, region, account, _ = one["Arn"].split(":")
            sns_backends[account][region].publish(told if isinstance(told, str) else json.dumps(told), arn=one["Arn"])
    rule.targets = [one for one in targets if one not in topics]
    try:
        whole(rule, event, *args, **kwargs)
    finally:
        rule.targets = targets


def _permitted(statement: Any, whole: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - moto's own types
    """What a statement of a policy says. moto reads no conditions, so a bucket that is closed to plain HTTP would be closed to all."""
    from moto.iam.access_control import PermissionResult  # noqa: PLC0415 - heavy

    said = statement._statement  # noqa: SLF001 - how moto's statements are read
    only_over_tls = said["Effect"] == "Deny" and "aws:SecureTransport" in said.get("Condition", {}).get("Bool", {})
    return PermissionResult.NEUTRAL if only_over_tls else whole(statement, *args, **kwargs)
