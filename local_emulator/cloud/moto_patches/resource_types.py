"""Types of resources that moto's CloudFormation lacks."""

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from local_emulator.cloud.moto_modules import MotoObject, backend, moto
from local_emulator.cloud.moto_patches.parameters import refuse
from local_emulator.domain.names import AwsScope


def policy_text(document: object) -> str:
    """A policy of a template as text; a template in YAML has a date for its version."""
    return json.dumps(document, default=str)


def resource_types() -> list[MotoObject]:
    """The types as classes; moto knows them as long as they are referenced."""
    return [_resource_type(kind, creation) for kind, creation in _TYPES.items()]


_GROUP = "default"  # of schedules
_Properties = Mapping[str, Any]


def _bucket_policy(properties: _Properties, scope: AwsScope) -> str:
    backend("s3", scope).put_bucket_policy(properties["Bucket"], policy_text(properties["PolicyDocument"]).encode())
    return str(properties["Bucket"])


def _topic_policy(properties: _Properties, scope: AwsScope) -> str:
    for topic in properties["Topics"]:
        backend("sns", scope).set_topic_attribute(topic, "policy", policy_text(properties["PolicyDocument"]))
    return f"topic-policy-{uuid.uuid4().hex[:8]}"


def _queue_policy(properties: _Properties, scope: AwsScope) -> str:
    for queue in properties["Queues"]:
        policy = policy_text(properties["PolicyDocument"])
        backend("sqs", scope).set_queue_attributes(queue.rsplit("/", 1)[-1], {"Policy": policy})
    return f"queue-policy-{uuid.uuid4().hex[:8]}"


def _subscription(properties: _Properties, scope: AwsScope) -> str:
    created = backend("sns", scope).subscribe(properties["TopicArn"], properties["Endpoint"], properties["Protocol"])
    return str(created.arn)


def _provider(properties: _Properties, scope: AwsScope) -> str:
    url = properties["Url"]
    providers = backend("iam", scope)
    if f"arn:{scope.partition}:iam::{scope.account}:oidc-provider/{url.removeprefix('https://')}" in providers.open_id_providers:
        already_exists = moto("iam.exceptions").EntityAlreadyExists
        raise already_exists(f"Provider with url {url} already exists.")  # moto's own message is `Unknown`
    created = providers.create_open_id_connect_provider(url, [], properties.get("ClientIdList", []), [])
    return str(created.arn)


def _egress(properties: _Properties, scope: AwsScope) -> str:
    """Egress to a security group."""
    destination = [{"GroupId": properties["DestinationSecurityGroupId"]}]
    ports = properties.get("FromPort"), properties.get("ToPort")
    rules, _ = backend("ec2", scope).authorize_security_group_egress(
        properties["GroupId"], properties["IpProtocol"], *ports, ip_ranges=[], source_groups=destination
    )
    return str(rules[0].id)


def _budget(properties: _Properties, scope: AwsScope) -> str:
    budget = properties["Budget"]
    backend("budgets", scope).create_budget(scope.account, dict(budget), list(properties.get("NotificationsWithSubscribers", ())))
    return str(budget["BudgetName"])


def _schedule(properties: _Properties, scope: AwsScope) -> str:
    """A schedule, which moto keeps and never carries out. Its name finds it again in the default group alone."""
    if properties.get("GroupName", _GROUP) != _GROUP:
        refuse(f"The GroupName {properties['GroupName']} of a schedule is not emulated in stacks: only {_GROUP} is.")
    created = backend("scheduler", scope).create_schedule(
        description=properties.get("Description"),
        end_date=properties.get("EndDate"),
        flexible_time_window=properties["FlexibleTimeWindow"],
        group_name=_GROUP,
        kms_key_arn=properties.get("KmsKeyArn"),
        name=properties["Name"],
        schedule_expression=properties["ScheduleExpression"],
        schedule_expression_timezone=properties.get("ScheduleExpressionTimezone"),
        start_date=properties.get("StartDate"),
        state=properties.get("State"),
        target=properties["Target"],
        action_after_completion=None,
    )
    return str(created.name)


def _delete_schedule(name: str, scope: AwsScope) -> None:
    backend("scheduler", scope).delete_schedule(group_name=_GROUP, name=name)


def _unsubscribe(name: str, scope: AwsScope) -> None:
    backend("sns", scope).unsubscribe(name)


def _delete_provider(name: str, scope: AwsScope) -> None:
    backend("iam", scope).delete_open_id_connect_provider(name)


def _delete_budget(name: str, scope: AwsScope) -> None:
    backend("budgets", scope).delete_budget(scope.account, name)


def _deleted_with_its_owner(_name: str, _scope: AwsScope) -> None:
    """Do nothing: a policy or rule is part of its bucket, topic, queue or group."""


_Creation = tuple[Callable[[_Properties, AwsScope], str], Callable[[str, AwsScope], None]]
_TYPES: Mapping[str, _Creation] = {
    "AWS::S3::BucketPolicy": (_bucket_policy, _deleted_with_its_owner),
    "AWS::SNS::TopicPolicy": (_topic_policy, _deleted_with_its_owner),
    "AWS::SQS::QueuePolicy": (_queue_policy, _deleted_with_its_owner),
    "AWS::EC2::SecurityGroupEgress": (_egress, _deleted_with_its_owner),
    "AWS::SNS::Subscription": (_subscription, _unsubscribe),
    "AWS::IAM::OIDCProvider": (_provider, _delete_provider),
    "AWS::Budgets::Budget": (_budget, _delete_budget),
    "AWS::Scheduler::Schedule": (_schedule, _delete_schedule),
}


def _resource_type(kind: str, creation: _Creation) -> MotoObject:
    """A type as moto's CloudFormation expects it: a direct subclass of its model."""
    model = moto("core.common_models").CloudFormationModel
    create, delete = creation

    class Resource(model):  # type: ignore[misc,valid-type] # known when moto is imported
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
            **_others: object,
        ) -> "Resource":
            return cls(create(template["Properties"], AwsScope(account=account, region=region)))

        @classmethod
        def update_from_cloudformation_json(
            cls,
            *,
            original_resource: "Resource",
            cloudformation_json: Mapping[str, Any],
            account_id: str,
            region_name: str,
            **_others: object,
        ) -> "Resource":
            original_resource.delete(account_id, region_name)
            return cls(create(cloudformation_json["Properties"], AwsScope(account=account_id, region=region_name)))

        def delete(self, account: str, region: str) -> None:
            delete(self.physical_resource_id, AwsScope(account=account, region=region))

        def is_created(self) -> bool:
            return True

    return Resource
