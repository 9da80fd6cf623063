"""EventBridge rules with SNS topics and pipelines as targets, and bucket policies that deny plain HTTP."""

import json
from collections.abc import Callable
from functools import partialmethod
from typing import Any

from local_emulator.cloud.moto_modules import MotoObject, moto


def apply() -> None:
    """Patch moto; a second call does nothing."""
    rule, statement = moto("events.models").Rule, moto("iam.access_control").IAMPolicyStatement
    if isinstance(vars(rule)["send_to_targets"], partialmethod):
        return
    rule.send_to_targets = partialmethod(_send, rule.send_to_targets)
    statement.is_action_permitted = partialmethod(_is_permitted, statement.is_action_permitted)


def _send(rule: MotoObject, original: Callable[..., Any], event: object, *args: object, **kwargs: object) -> None:
    """Send an event to a rule's targets: to topics here, to the others as moto does. No event starts a pipeline."""
    targets = rule.targets
    topics = [target for target in targets if _service(target) == "sns"]
    if topics and rule.event_pattern.matches_event(event):
        for target in topics:
            _publish(target, event)
    # At a pipeline moto would raise.
    rule.targets = [target for target in targets if _service(target) not in {"sns", "sagemaker"}]
    try:
        original(rule, event, *args, **kwargs)
    finally:
        rule.targets = targets


def _service(target: MotoObject) -> str:
    return str(target["Arn"].split(":")[2])


def _publish(target: MotoObject, event: object) -> None:
    transformer = target.get("InputTransformer", {})
    template, paths = transformer.get("InputTemplate"), transformer.get("InputPathsMap", {})
    message = moto("events.utils").EventTemplateParser.parse(template, paths, event)
    _, _, _, region, account, _ = target["Arn"].split(":")
    topics = moto("sns.models").sns_backends[account][region]
    topics.publish(message if isinstance(message, str) else json.dumps(message), arn=target["Arn"])


def _is_permitted(statement: MotoObject, original: Callable[..., Any], *args: object, **kwargs: object) -> MotoObject:
    """The effect of a statement of a policy. moto reads no conditions: a denial of plain HTTP would deny all."""
    document = statement._statement  # noqa: SLF001 - how moto's statements are read
    only_over_tls = document["Effect"] == "Deny" and "aws:SecureTransport" in document.get("Condition", {}).get("Bool", {})
    neutral = moto("iam.access_control").PermissionResult.NEUTRAL
    return neutral if only_over_tls else original(statement, *args, **kwargs)
