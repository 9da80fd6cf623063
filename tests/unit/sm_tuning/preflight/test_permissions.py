"""Which permissions a tuning job needs: of its role and of whoever launches it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from sm_tuning import Channel, Encryption, Network, Resources, TuningJob
from sm_tuning.preflight.permissions import AwsScope, Image, Need, is_alias, key_arn, of_the_caller, of_the_role
from sm_tuning.spec.s3 import split_uri

SCOPE = AwsScope(account="123456789012", region="eu-west-1")
CHINA = AwsScope(account="123456789012", region="cn-north-1", partition="aws-cn")
OWN_IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/trainer:v1"
Make = Callable[..., TuningJob]


def of_role(job: TuningJob, scope: AwsScope = SCOPE) -> Mapping[str, Need]:
    """The need of each action."""
    ((prefix, part),) = job.parts()
    needs = list(of_the_role(job, prefix, part, scope, lambda uri: f"{split_uri(uri)[1]}/first"))
    return {action: need for need in needs for action in need.actions}


def of_caller(job: TuningJob) -> Mapping[str, Need]:
    return {action: need for need in of_the_caller(job, SCOPE) for action in need.actions}


@pytest.mark.parametrize(
    ("uri", "image"),
    [
        (OWN_IMAGE, Image("123456789012", "eu-west-1", "trainer", "v1", None)),
        (OWN_IMAGE.removesuffix(":v1"), Image("123456789012", "eu-west-1", "trainer", "latest", None)),
        (
            "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/a/b@sha256:00",
            Image("123456789012", "us-gov-west-1", "a/b", "latest", "sha256:00"),
        ),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a:1", Image("123456789012", "cn-north-1", "a", "1", None)),
        ("python:3.11", None),
        ("evil.example/123456789012.dkr.ecr.eu-west-1.amazonaws.com/a", None),
    ],
)
def test_an_image_of_ecr_is_told_by_its_uri(uri: str, image: Image | None) -> None:
    assert Image.parse(uri) == image


def test_keys_by_id_and_alias_have_arns_and_an_alias_is_told() -> None:
    arn = "arn:aws:kms:eu-west-1:123456789012:key/1234"
    assert (key_arn("1234", SCOPE), key_arn(arn, SCOPE)) == (arn, arn)
    alias = key_arn("alias/mine", SCOPE)
    assert alias == "arn:aws:kms:eu-west-1:123456789012:alias/mine"
    assert (is_alias("alias/mine"), is_alias(alias), is_alias(arn), is_alias("1234")) == (True, True, False, False)


def test_the_least_that_a_role_needs(job: Make) -> None:
    needs = of_role(job(image=None))
    assert set(needs) == {
        *("s3:GetObject", "s3:PutObject", "cloudwatch:PutMetricData"),
        *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
    }, "AWS's image is pulled with AWS's own right"
    assert needs["s3:PutObject"].resource == "arn:aws:s3:::bucket/prefix/good-001-0123abcd/output/model.tar.gz"
    assert needs["s3:PutObject"].grant == "arn:aws:s3:::bucket/prefix/*"
    assert needs["s3:GetObject"].resource.startswith("arn:aws:s3:::bucket/prefix/"), "the script's archive"
    assert needs["logs:PutLogEvents"].grant == "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/sagemaker/TrainingJobs*"


def test_arns_are_of_the_partition(job: Make) -> None:
    assert of_role(job(), CHINA)["s3:PutObject"].resource.startswith("arn:aws-cn:s3:::bucket/")
    assert of_role(job(), CHINA)["logs:PutLogEvents"].resource.startswith("arn:aws-cn:logs:cn-north-1:")


def test_data_are_listed_by_their_prefix_and_read(job: Make) -> None:
    needs = of_role(job(channels=[Channel("train", "s3://data/digits"), Channel("again", "s3://data/digits")]))
    assert needs["s3:ListBucket"] == Need(
        actions=["s3:ListBucket"], resource="arn:aws:s3:::data", context={"s3:prefix": "digits"}
    )
    ((prefix, part),) = (tuned := job(channels=[Channel("train", "s3://data/digits")])).parts()
    read = [need for need in of_the_role(tuned, prefix, part, SCOPE, lambda _: "k") if need.actions == ["s3:GetObject"]]
    assert [need.grant for need in read][:1] == ["arn:aws:s3:::data/digits*"]


@pytest.mark.parametrize(
    ("changes", "actions"),
    [
        ({"image": OWN_IMAGE}, {"ecr:GetAuthorizationToken", "ecr:BatchGetImage"}),
        ({"encryption": Encryption(output_key="1234")}, {"kms:Decrypt", "kms:GenerateDataKey"}),
        ({"encryption": Encryption(volume_key="1234")}, {"kms:CreateGrant"}),
        (
            {"network": Network(subnets=["subnet-1"], security_groups=["sg-1"])},
            {"ec2:CreateNetworkInterface", "ec2:DescribeVpcs"},
        ),
        ({"resources": Resources(spot=True, checkpoints="s3://box/checkpoints", max_wait=7200)}, {"s3:ListBucket"}),
    ],
)
def test_each_further_part_needs_more(job: Make, changes: Mapping[str, object], actions: set[str]) -> None:
    plain, more = of_role(job(image=None)), of_role(job(**changes))
    assert not actions & set(plain)
    assert actions <= set(more)


def test_what_a_key_given_by_its_alias_needs_cannot_be_told(job: Make) -> None:
    needs = of_role(job(encryption=Encryption(output_key="alias/mine", volume_key="alias/mine")))
    assert not [action for action in needs if action.startswith("kms:")]


def test_the_caller_passes_the_role_to_sagemaker_alone(job: Make) -> None:
    need = of_caller(job())["iam:PassRole"]
    assert need.resource == "arn:aws:iam::123456789012:role/SageMakerRole"
    assert need.context == {"iam:PassedToService": "sagemaker.amazonaws.com"}


def test_the_caller_uploads_what_is_on_this_machine(job: Make) -> None:
    uploads = [
        need for need in of_the_caller(job(channels=[Channel("train", __file__)]), SCOPE) if need.actions == ["s3:PutObject"]
    ]
    assert len(uploads) == 2, "the data, and the script"
    assert not [need for need in of_the_caller(job(script=None), SCOPE) if need.actions == ["s3:PutObject"]]


def test_guardrails_see_what_the_request_says(job: Make) -> None:
    tuned = job(tags={"owner": "me"})
    tuned = tuned.changed(resources=replace(tuned.definition.resources, instance_type="ml.c5.xlarge", max_runtime=7200))
    context = of_caller(tuned)["sagemaker:CreateHyperParameterTuningJob"].context
    assert context["sagemaker:InstanceTypes"] == ["ml.c5.xlarge"]
    assert context["sagemaker:MaxRuntimeInSeconds"] == 7200
    assert (context["aws:RequestTag/owner"], context["aws:TagKeys"]) == ("me", ["owner"])
    assert "sagemaker:VpcSubnets" not in context, "the request does not say it"
    assert "sagemaker:AddTags" in of_caller(tuned)
    assert "sagemaker:AddTags" not in of_caller(job())
