"""Resources of types that moto lacks: made, changed and deleted with their stack, in its partition, region and account."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.conftest import Server


def resource(kind: str, **properties: object) -> Mapping[str, object]:
    return {"Type": kind, "Properties": properties}


def policy(action: str, target: object) -> Mapping[str, object]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": action, "Resource": target}]}


def template(address: str, dollars: int) -> str:
    budget = {
        "BudgetName": "stacked",
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": dollars, "Unit": "USD"},
    }
    group = {"GroupDescription": "g", "VpcId": {"Ref": "Vpc"}}
    ports = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    resources = {
        "Topic": resource("AWS::SNS::Topic", TopicName="stacked"),
        "TopicPolicy": resource(
            "AWS::SNS::TopicPolicy", Topics=[{"Ref": "Topic"}], PolicyDocument=policy("sns:Publish", {"Ref": "Topic"})
        ),
        "Subscription": resource("AWS::SNS::Subscription", TopicArn={"Ref": "Topic"}, Protocol="email", Endpoint=address),
        "Queue": resource("AWS::SQS::Queue", QueueName="stacked"),
        "QueuePolicy": resource(
            "AWS::SQS::QueuePolicy", Queues=[{"Ref": "Queue"}], PolicyDocument=policy("sqs:SendMessage", "*")
        ),
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.7.0.0/16"),
        "From": resource("AWS::EC2::SecurityGroup", GroupName="from", **group),
        "To": resource("AWS::EC2::SecurityGroup", GroupName="to", **group),
        "Egress": resource(
            "AWS::EC2::SecurityGroupEgress",
            GroupId={"Fn::GetAtt": ["From", "GroupId"]},
            DestinationSecurityGroupId={"Fn::GetAtt": ["To", "GroupId"]},
            **ports,
        ),
        "Budget": resource("AWS::Budgets::Budget", Budget=budget),
        "Schedule": resource(
            "AWS::Scheduler::Schedule",
            Name="stacked",
            ScheduleExpression=f"rate({dollars} days)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/x", "RoleArn": "arn:aws:iam::123456789012:role/x"},
        ),
    }
    return json.dumps({"Resources": resources})


def test_resources_come_change_and_go_with_their_stack(server: Server) -> None:
    stacks, sns, sqs, ec2, budgets = (server.client(name) for name in ("cloudformation", "sns", "sqs", "ec2", "budgets"))
    stacks.create_stack(StackName="stack", TemplateBody=template("a@example.org", 50))
    (topic,) = sns.list_topics()["Topics"]
    assert "sns:Publish" in sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]["Policy"]
    assert [subscription["Endpoint"] for subscription in sns.list_subscriptions()["Subscriptions"]] == ["a@example.org"]
    url = sqs.get_queue_url(QueueName="stacked")["QueueUrl"]
    assert "sqs:SendMessage" in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    groups = {group["GroupName"]: group for group in ec2.describe_security_groups()["SecurityGroups"]}
    pairs = [pair["GroupId"] for rule in groups["from"]["IpPermissionsEgress"] for pair in rule["UserIdGroupPairs"]]
    assert pairs == [groups["to"]["GroupId"]]

    stacks.update_stack(StackName="stack", TemplateBody=template("b@example.org", 75))
    assert [subscription["Endpoint"] for subscription in sns.list_subscriptions()["Subscriptions"]] == ["b@example.org"]
    (budget,) = budgets.describe_budgets(AccountId="123456789012")["Budgets"]
    assert float(budget["BudgetLimit"]["Amount"]) == 75
    schedules = server.client("scheduler")
    assert schedules.get_schedule(Name="stacked")["ScheduleExpression"] == "rate(75 days)"

    stacks.delete_stack(StackName="stack")
    assert (sns.list_topics()["Topics"], sns.list_subscriptions()["Subscriptions"]) == ([], [])
    assert budgets.describe_budgets(AccountId="123456789012").get("Budgets", []) == []
    assert schedules.list_schedules()["Schedules"] == []


def test_a_schedule_that_would_not_go_with_its_stack_is_refused(server: Server) -> None:
    stacks, schedules = server.client("cloudformation"), server.client("scheduler")
    schedules.create_schedule_group(Name="other")
    resources = json.loads(template("a@example.org", 75))["Resources"]
    resources["Schedule"]["Properties"]["GroupName"] = "other"
    with pytest.raises(ClientError, match="The GroupName other of a schedule is not emulated in stacks"):
        stacks.create_stack(StackName="stack", TemplateBody=json.dumps({"Resources": {"Schedule": resources["Schedule"]}}))
    assert schedules.list_schedules()["Schedules"] == []


def test_an_identity_provider_that_the_account_has_is_named(server: Server) -> None:
    stacks, iam = server.client("cloudformation"), server.client("iam")
    body = json.dumps({"Resources": {"Provider": resource("AWS::IAM::OIDCProvider", Url="https://example.com")}})
    iam.create_open_id_connect_provider(Url="https://example.com")
    with pytest.raises(ClientError, match="already exists"):
        stacks.create_stack(StackName="stack", TemplateBody=body)


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_a_stack_of_another_partition_acts_in_that_partition(server: Server, region: str, partition: str) -> None:
    session: Any = boto3.Session("test", "test", region_name=region)
    stacks, s3, iam = (session.client(service, endpoint_url=server.url) for service in ("cloudformation", "s3", "iam"))
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:{partition}:s3:::stacked/*"}
    policy = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "stacked"}},
        "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy},
        "Provider": {"Type": "AWS::IAM::OIDCProvider", "Properties": {"Url": "https://example.com"}},
    }
    stacks.create_stack(StackName="stack", TemplateBody=json.dumps({"Resources": resources}))
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["stacked"]
    assert json.loads(s3.get_bucket_policy(Bucket="stacked")["Policy"])["Statement"] == [statement]
    providers = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert [provider["Arn"] for provider in providers] == [f"arn:{partition}:iam::123456789012:oidc-provider/example.com"]
    stacks.delete_stack(StackName="stack")
    assert s3.list_buckets()["Buckets"] == []
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
