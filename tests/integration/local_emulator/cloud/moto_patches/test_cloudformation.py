"""Stacks: the events of their buckets, and the partition that they are in."""

import json

from tests.conftest import Server


def test_a_bucket_sends_its_events_as_its_template_says(server: Server) -> None:
    stacks, s3, sns, sqs, bus = map(server.client, ("cloudformation", "s3", "sns", "sqs", "events"))
    queue = sqs.create_queue(QueueName="queue")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus.put_rule(Name="rule", EventPattern=json.dumps({"source": ["aws.s3"]}))
    bus.put_targets(Rule="rule", Targets=[{"Id": "queue", "Arn": arn}])

    def body(*, sends: bool, **others: object) -> str:
        notifications = {"EventBridgeConfiguration": {"EventBridgeEnabled": sends}}
        properties = {"BucketName": "stacked", "NotificationConfiguration": notifications, **others}
        return json.dumps({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}})

    def is_sent() -> bool:
        s3.put_object(Bucket="stacked", Key="key", Body=b"1")
        return bool(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"))

    stacks.create_stack(StackName="stack", TemplateBody=body(sends=False))
    assert not is_sent()
    stacks.update_stack(StackName="stack", TemplateBody=body(sends=True))
    assert is_sent()
    stacks.update_stack(StackName="stack", TemplateBody=body(sends=False))
    assert not is_sent()
    topic = {"TopicArn": sns.create_topic(Name="of-another")["TopicArn"], "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(Bucket="stacked", NotificationConfiguration={"TopicConfigurations": [topic]})
    stacks.update_stack(StackName="stack", TemplateBody=body(sends=False, Tags=[{"Key": "a", "Value": "b"}]))
    assert "TopicConfigurations" in s3.get_bucket_notification_configuration(Bucket="stacked")
