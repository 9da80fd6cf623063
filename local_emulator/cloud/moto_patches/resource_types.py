"""Types of resources that a stack may have and moto's CloudFormation has not."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any


def policy_text(document: Any) -> str:  # noqa: ANN401 - JSON
    """A policy of a template as text; a template in YAML has a date for its version."""
    return json.dumps(document, default=str)


def stack_types() -> list[Any]:
    """The types as classes; moto knows them as long as they are kept."""
    return [_resource_type(kind, creation) for kind, creation in _TYPES.items()]


@dataclass(frozen=True, kw_only=True)
class _Scope:
    account: str
    region: str

    def backend(self, service: Any) -> Any:  # noqa: ANN401 - moto's own types
        return import_module("moto.backends").get_backend(service)[self.account][
            "aws" if service in {"s3", "iam", "budgets"} else self.region
        ]


_Properties = Mapping[str, Any]


def _bucket_policy(properties: _Properties, scope: _Scope) -> str:
    scope.backend("s3").put_bucket_policy(properties["Bucket"], policy_text(properties["PolicyDocument"]).encode())
    return str(properties["Bucket"])


def _topic_policy(properties: _Properties, scope: _Scope) -> str:
    for topic in properties["Topics"]:
        scope.backend("sns").set_topic_attribute(topic, "policy", policy_text(properties["PolicyDocument"]))
    return f"topic-policy-{uuid.uuid4().hex[:8]}"


def _queue_policy(properties: _Properties, scope: _Scope) -> str:
    for queue in properties["Queues"]:
        policy = policy_text(properties["PolicyDocument"])
        scope.backend("sqs").set_queue_attributes(queue.rsplit("/", 1)[-1], {"Policy": policy})
    return f"queue-policy-{uuid.uuid4().hex[:8]}"


def _subscription(properties: _Properties, scope: _Scope) -> str:
    made = scope.backend("sns").subscribe(properties["TopicArn"], properties["Endpoint"], properties["Protocol"])
    return str(made.arn)


def _provider(properties: _Properties, scope: _Scope) -> str:
    url = properties["Url"]
    if f"arn:aws:iam::{scope.account}:oidc-provider/{url.removeprefix('https://')}" in scope.backend("iam").open_id_providers:
        exists = import_module("moto.iam.exceptions").EntityAlreadyExists
        raise exists(f"Provider with url {url} already exists.")  # moto's says `Unknown`
    made = scope.backend("iam").create_open_id_connect_provider(url, [], properties.get("ClientIdList", []), [])
    return str(made.arn)


def _egress(properties: _Properties, scope: _Scope) -> str:
    """Egress to a security group."""
    destination = [{"GroupId": properties["DestinationSecurityGroupId"]}]
    ports = properties.get("FromPort"), properties.get("ToPort")
    rules, _ = scope.backend("ec2").authorize_security_group_egress(
        properties["GroupId"], properties["IpProtocol"], *ports, ip_ranges=[], source_groups=destination
    )
    return str(rules[0].id)


def _budget(properties: _Properties, scope: _Scope) -> str:
    budget = properties["Budget"]
    scope.backend("budgets").create_budget(scope.account, dict(budget), list(properties.get("NotificationsWithSubscribers", ())))
    return str(budget["BudgetName"])


def _unsubscribe(name: str, scope: _Scope) -> None:
    scope.backend("sns").unsubscribe(name)


def _forget_provider(name: str, scope: _Scope) -> None:
    scope.backend("iam").delete_open_id_connect_provider(name)


def _forget_budget(name: str, scope: _Scope) -> None:
    scope.backend("budgets").delete_budget(scope.account, name)


def _goes_with_its_owner(_name: str, _scope: _Scope) -> None:
    """Nothing remains of a policy or rule once bucket, topic, queue or group are gone."""


_Creation = tuple[Callable[[_Properties, _Scope], str], Callable[[str, _Scope], None]]
_TYPES: Mapping[str, _Creation] = {
    "AWS::S3::BucketPolicy": (_bucket_policy, _goes_with_its_owner),
    "AWS::SNS::TopicPolicy": (_topic_policy, _goes_with_its_owner),
    "AWS::SQS::QueuePolicy": (_queue_policy, _goes_with_its_owner),
    "AWS::EC2::SecurityGroupEgress": (_egress, _goes_with_its_owner),
    "AWS::SNS::Subscription": (_subscription, _unsubscribe),
    "AWS::IAM::OIDCProvider": (_provider, _forget_provider),
    "AWS::Budgets::Budget": (_budget, _forget_budget),
}


def _resource_type(kind: str, creation: _Creation) -> Any:  # noqa: ANN401 - moto's own types
    """A type as moto's CloudFormation knows them: direct subclasses of its model."""
    model: Any = import_module("moto.core.common_models").CloudFormationModel
    create, delete = creation

    class Resource(model):  # type: ignore[misc] # known when moto is imported
        def __init__(self, name: str) -> None:
            self.physical_resource_id = name

        @staticmethod
        def cloudformation_name_type() -> str:
            return ""

        @staticmethod
        def cloudformation_type() -> str:
            return kind

        @classmethod
        def has_cfn_attr(cls, _attribute: str) -> bool:
            return False

        @classmethod
        def create_from_cloudformation_json(
            cls,
            _name: str,
            template: Mapping[str, Any],
            account: str,
            region: str,
            **_others: Any,  # noqa: ANN401 - moto's
        ) -> "Resource":
            return cls(create(template["Properties"], _Scope(account=account, region=region)))

        @classmethod
        def update_from_cloudformation_json(
            cls,
            *,
            original_resource: "Resource",
            cloudformation_json: Mapping[str, Any],
            account_id: str,
            region_name: str,
            **_others: Any,  # noqa: ANN401 - moto's
        ) -> "Resource":
            original_resource.delete(account_id, region_name)
            return cls(create(cloudformation_json["Properties"], _Scope(account=account_id, region=region_name)))

        def delete(self, account: str, region: str) -> None:
            delete(self.physical_resource_id, _Scope(account=account, region=region))

        def is_created(self) -> bool:
            return True

    return Resource
