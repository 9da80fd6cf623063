"""Types of resources that CloudFormation lacks."""

from tests.integration.local_emulator.cloud.moto_patches.probing import ACCOUNT, client, deploy, policy, probe, refused, resource

# --- CloudFormation: types ------------------------------------------------------------------------------------------------------


@probe
def bucket_policies() -> bool:
    client("s3").create_bucket(Bucket="with-policy")
    document = policy("s3:GetObject", "arn:aws:s3:::with-policy/*", Principal="*")
    refused(
        lambda: deploy(
            {"Resources": {"Policy": resource("AWS::S3::BucketPolicy", Bucket="with-policy", PolicyDocument=document)}}
        )
    )
    return refused(lambda: client("s3").get_bucket_policy(Bucket="with-policy"))


@probe
def topic_policies() -> bool:
    topic = client("sns").create_topic(Name="with-policy")["TopicArn"]
    document = policy("sns:Publish", topic, Sid="probe", Principal="*")
    refused(lambda: deploy({"Resources": {"Policy": resource("AWS::SNS::TopicPolicy", Topics=[topic], PolicyDocument=document)}}))
    return "probe" not in client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]


@probe
def queue_policies() -> bool:
    queue = client("sqs").create_queue(QueueName="with-policy")["QueueUrl"]
    document = policy("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ACCOUNT}:with-policy", Principal="*")
    refused(lambda: deploy({"Resources": {"Policy": resource("AWS::SQS::QueuePolicy", Queues=[queue], PolicyDocument=document)}}))
    return "Policy" not in client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"]).get("Attributes", {})


@probe
def egress_to_groups() -> bool:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    source, destination = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"] for name in ("one", "other")
    )
    rule = resource(
        "AWS::EC2::SecurityGroupEgress",
        GroupId=source,
        DestinationSecurityGroupId=destination,
        IpProtocol="tcp",
        FromPort=443,
        ToPort=443,
    )
    refused(lambda: deploy({"Resources": {"Egress": rule}}))
    (group,) = ec2.describe_security_groups(GroupIds=[source])["SecurityGroups"]
    return destination not in str(group["IpPermissionsEgress"])


@probe
def subscriptions() -> bool:
    topic = client("sns").create_topic(Name="subscribed")["TopicArn"]
    made = resource("AWS::SNS::Subscription", TopicArn=topic, Protocol="email", Endpoint="a@example.org")
    refused(lambda: deploy({"Resources": {"Subscription": made}}))
    return not client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]


@probe
def identity_providers() -> bool:
    made = resource("AWS::IAM::OIDCProvider", Url="https://token.example.org", ClientIdList=["sts.amazonaws.com"])
    refused(lambda: deploy({"Resources": {"Provider": made}}))
    return not client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]


@probe
def budgets() -> bool:
    budget = {"BudgetName": "budget", "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": 1, "Unit": "USD"}}
    refused(lambda: deploy({"Resources": {"Budget": resource("AWS::Budgets::Budget", Budget=budget)}}))
    return not client("budgets").describe_budgets(AccountId=ACCOUNT).get("Budgets")
