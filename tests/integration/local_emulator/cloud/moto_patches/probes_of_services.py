"""Faults of EventBridge, S3, IAM, Service Quotas and CloudWatch Logs."""

import json
import time
from http import HTTPStatus

from moto.moto_server.werkzeug_app import create_backend_app

from tests.integration.local_emulator.cloud.moto_patches.probing import ACCOUNT, ROLE, client, policy, probe, refused

# --- events -------------------------------------------------------------------------------------------------------------------


@probe
def rules_with_topics() -> bool:
    sns, sqs, bus = client("sns"), client("sqs"), client("events")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    queue = sqs.create_queue(QueueName="queue")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue")
    bus.put_rule(Name="rule", EventPattern=json.dumps({"source": ["probe"]}))
    bus.put_targets(Rule="rule", Targets=[{"Id": "topic", "Arn": topic}])
    refused(lambda: bus.put_events(Entries=[{"Source": "probe", "DetailType": "probe", "Detail": "{}"}]))
    return not sqs.receive_message(QueueUrl=queue).get("Messages")


@probe
def plain_http_denied() -> bool:
    s3 = client("s3")
    s3.create_bucket(Bucket="closed")
    s3.put_object(Bucket="closed", Key="key", Body=b"")
    denial = policy(
        "s3:*", "arn:aws:s3:::closed/*", Effect="Deny", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}}
    )
    s3.put_bucket_policy(Bucket="closed", Policy=json.dumps(denial))
    return refused(lambda: s3.get_object(Bucket="closed", Key="key"))


# --- keys ---------------------------------------------------------------------------------------------------------------------


@probe
def line_feeds_in_keys() -> bool:
    s3 = client("s3")
    s3.create_bucket(Bucket="lines")
    s3.put_object(Bucket="lines", Key="a/b\nc", Body=b"")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "lines", "Key": "a/b\nc"})
    query = url.partition("?")[2]
    return create_backend_app("s3").test_client().get(f"/lines/a/b%0Ac?{query}").status_code != HTTPStatus.OK


@probe
def carriage_returns_in_keys() -> bool:
    s3 = client("s3")
    s3.create_bucket(Bucket="returns")
    return bool(s3.create_multipart_upload(Bucket="returns", Key="a\rb")["Key"] != "a\rb")


@probe
def encoded_lists() -> bool:
    s3 = client("s3")
    s3.create_bucket(Bucket="encoded")
    s3.put_object(Bucket="encoded", Key="a%20b/c", Body=b"")
    (folder,) = s3.list_objects(Bucket="encoded", Delimiter="/")["CommonPrefixes"]
    return bool(folder["Prefix"] != "a%20b/")


# --- operations ---------------------------------------------------------------------------------------------------------------


@probe
def simulate_principal_policy() -> bool:
    iam = client("iam")
    role = iam.create_role(RoleName="simulated", AssumeRolePolicyDocument=json.dumps(ROLE))["Role"]["Arn"]
    return refused(lambda: iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=["s3:GetObject"]))


@probe
def list_service_quotas() -> bool:
    quotas = client("service-quotas")
    return refused(lambda: quotas.list_service_quotas(ServiceCode="sagemaker")["Quotas"][0])


@probe
def filter_log_events() -> bool:
    logs = client("logs")
    logs.create_log_group(logGroupName="group")
    for stream in ("wanted/1", "other/1"):
        logs.create_log_stream(logGroupName="group", logStreamName=stream)
        event = {"timestamp": int(time.time() * 1000), "message": stream}
        logs.put_log_events(logGroupName="group", logStreamName=stream, logEvents=[event])
    events = logs.filter_log_events(logGroupName="group", logStreamNamePrefix="wanted")["events"]
    return bool([event["message"] for event in events] != ["wanted/1"])


@probe
def labels_of_metrics() -> bool:
    metrics, now = client("cloudwatch"), time.time()
    metrics.put_metric_data(Namespace="space", MetricData=[{"MetricName": "loss", "Value": 1.0}])
    query = {"Id": "m", "MetricStat": {"Metric": {"Namespace": "space", "MetricName": "loss"}, "Period": 60, "Stat": "Average"}}
    labelled = {**query, "Id": "n", "MetricStat": {**query["MetricStat"], "Stat": "Sum"}, "Label": "mine"}  # type: ignore[dict-item]
    answers = [
        metrics.get_metric_data(MetricDataQueries=queries, StartTime=now - 60, EndTime=now + 60)["MetricDataResults"]
        for queries in ([query], [labelled])
    ]
    return [result["Label"] for answer in answers for result in answer] != ["loss", "mine"]


# --- tagging ------------------------------------------------------------------------------------------------------------------


@probe
def tag_keys_once() -> bool:
    queues, tags = client("sqs"), client("resourcegroupstaggingapi")
    for name in ("first", "second"):
        queues.create_queue(QueueName=name, tags={"team": "vision"})
    return bool([tags.get_tag_keys()["TagKeys"], tags.get_tag_values(Key="team")["TagValues"]] != [["team"], ["vision"]])
