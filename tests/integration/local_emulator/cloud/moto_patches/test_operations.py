"""SimulatePrincipalPolicy, policies of AWS's own, ListServiceQuotas and FilterLogEvents, asked through boto3."""

import json
import time

import boto3
import pytest

from local_emulator.settings import Quotas, Settings
from local_emulator.testing import emulated_sagemaker

OBJECT = "arn:aws:s3:::b/x"


def allow(action: str) -> dict[str, str]:
    return {"Effect": "Allow", "Action": action, "Resource": "*"}


def test_the_simulation_takes_in_inline_and_attached_policies_and_groups() -> None:
    with emulated_sagemaker():
        iam = boto3.client("iam")
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:Get*")]})
        read = iam.create_policy(PolicyName="read", PolicyDocument=policy)["Policy"]["Arn"]
        iam.attach_role_policy(RoleName="r", PolicyArn=read)
        iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=policy.replace("s3:Get*", "logs:*"))
        user = iam.create_user(UserName="u")["User"]["Arn"]
        iam.create_group(GroupName="g")
        iam.add_user_to_group(GroupName="g", UserName="u")
        iam.attach_group_policy(GroupName="g", PolicyArn=read)
        asked = ["s3:GetObject", "logs:PutLogEvents", "s3:PutObject"]
        for who, granted in ((role, asked[:2]), (user, asked[:1])):
            answer = iam.simulate_principal_policy(PolicySourceArn=who, ActionNames=asked, ResourceArns=[OBJECT])
            assert [
                result["EvalActionName"] for result in answer["EvaluationResults"] if result["EvalDecision"] == "allowed"
            ] == granted
        (specific,) = answer["EvaluationResults"][0]["ResourceSpecificResults"]
        assert (specific["EvalResourceName"], specific["EvalResourceDecision"]) == (OBJECT, "allowed")
        iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=read)
        bounded = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=asked, ResourceArns=[OBJECT])
        assert [result["EvalDecision"] for result in bounded["EvaluationResults"]] == ["allowed", "implicitDeny", "implicitDeny"]


def test_policies_of_aws_are_there() -> None:
    with emulated_sagemaker():
        iam = boto3.client("iam")
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        for name in ("AmazonSageMakerFullAccess", "service-role/AWSLambdaBasicExecutionRole"):
            iam.attach_role_policy(RoleName="r", PolicyArn=f"arn:aws:iam::aws:policy/{name}")
        asked = ["sagemaker:CreateTrainingJob", "logs:PutLogEvents", "iam:CreateUser"]
        answer = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=asked)
        verdicts = [result["EvalDecision"] for result in answer["EvaluationResults"]]
        assert verdicts == ["allowed", "allowed", "implicitDeny"]
        with pytest.raises(iam.exceptions.NoSuchEntityException):
            iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/Invented")


def test_quotas_have_the_names_of_aws() -> None:
    with emulated_sagemaker(Settings(quotas=Quotas(parallel_training_jobs=3, instances={"ml.m5.large": 7}))):
        client = boto3.client("service-quotas")
        quotas = {quota["QuotaName"]: quota["Value"] for quota in client.list_service_quotas(ServiceCode="sagemaker")["Quotas"]}
        assert quotas["Maximum number of parallel training jobs per hyperparameter tuning job"] == 3
        assert quotas["ml.m5.large for training job usage"] == quotas["ml.m5.large for spot training job usage"] == 7
        assert client.list_service_quotas(ServiceCode="ec2")["Quotas"] == []


def test_log_events_of_streams_with_a_prefix() -> None:
    with emulated_sagemaker():
        logs = boto3.client("logs")
        logs.create_log_group(logGroupName="group")
        for stream in ("job/1", "job/2", "other/1"):
            logs.create_log_stream(logGroupName="group", logStreamName=stream)
            event = {"timestamp": int(time.time() * 1000), "message": stream}
            logs.put_log_events(logGroupName="group", logStreamName=stream, logEvents=[event])

        def messages(**filters: str) -> list[str]:
            return sorted(event["message"] for event in logs.filter_log_events(logGroupName="group", **filters)["events"])

        assert messages(logStreamNamePrefix="job/") == ["job/1", "job/2"]
        assert messages(logStreamNamePrefix="job/1") == ["job/1"]
        assert messages(logStreamNamePrefix="none") == []
        assert messages() == ["job/1", "job/2", "other/1"]
