"""A tuning job completed from the outputs of a CloudFormation stack."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from local_emulator.testing import emulated_sagemaker
from sm_tuning import Definition, Encryption, Invalid, Network, Objective, Random, TuningJob, learning_rate
from sm_tuning.cli.commands import sm_tuning
from sm_tuning.client.stack import Stack, with_image
from sm_tuning.errors import NotDeployed

REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/trainer"
OUTPUTS = {
    "BucketName": "bucket",
    "OutputUri": "s3://bucket/tuning",
    "ExecutionRoleArn": "arn:aws:iam::123456789012:role/execution",
    "LaunchRoleArn": "arn:aws:iam::123456789012:role/launch",
    "RepositoryUri": REPOSITORY,
    "TopicArn": "arn:aws:sns:us-east-1:123456789012:topic",
}
PRIVATE = {"KmsKeyArn": "arn:key", "SubnetIds": "subnet-1, subnet-2", "SecurityGroupIds": "sg-1"}
JOB = TuningJob(
    name="job",
    objective=Objective.minimize("score", r"score=([-+0-9.eE]+)"),
    ranges=[learning_rate()],
    strategy=Random(seed=1),
    max_jobs=2,
    role="r",
    output="s3://o",
)


def session(status: str = "CREATE_COMPLETE", outputs: Mapping[str, str] = OUTPUTS) -> Any:
    """A session whose CloudFormation knows one stack, in any state."""
    made: Any = boto3.Session("test", "test", region_name="us-east-1")
    stack = {"StackStatus": status, "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]}
    answer = {"Stacks": [stack], "ResponseMetadata": {}}
    made.events.register("before-call.cloudformation.DescribeStacks", lambda **_: (SimpleNamespace(status_code=200), answer))
    return made


def test_the_outputs_are_read() -> None:
    stack = Stack.read("tuning", session(outputs=OUTPUTS | PRIVATE))
    assert (stack.role, stack.output, stack.repository) == (OUTPUTS["ExecutionRoleArn"], "s3://bucket/tuning", REPOSITORY)
    assert (stack.key, stack.subnets, stack.security_groups) == ("arn:key", ["subnet-1", "subnet-2"], ["sg-1"])
    plain = Stack.read("tuning", session("UPDATE_ROLLBACK_COMPLETE"))
    assert (plain.key, plain.subnets, plain.security_groups) == (None, [], [])


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("ROLLBACK_COMPLETE", "describe-stack-events --stack-name tuning shows why; then aws cloudformation delete-stack"),
        ("CREATE_FAILED", "describe-stack-events --stack-name tuning shows why; then aws cloudformation delete-stack"),
        ("UPDATE_FAILED", "describe-stack-events --stack-name tuning shows why; then deploy it again"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name tuning"),
        ("REVIEW_IN_PROGRESS", "its change set was not executed"),
        ("UPDATE_IN_PROGRESS", "wait until it is done"),
        ("DELETE_COMPLETE", "delete-stack"),
    ],
)
def test_a_stack_that_is_not_whole_is_refused_with_what_to_do(status: str, remedy: str) -> None:
    with pytest.raises(NotDeployed) as refused:
        Stack.read("tuning", session(status))
    assert f"the stack tuning in us-east-1 is {status}: " in str(refused.value)
    assert remedy in str(refused.value)
    assert "\n" not in str(refused.value)


def test_outputs_that_are_missing_are_named() -> None:
    with pytest.raises(NotDeployed, match="has no output ExecutionRoleArn, RepositoryUri: deploy it"):
        Stack.read("tuning", session(outputs={"OutputUri": "s3://b/t", "RepositoryUri": ""}))


def test_what_the_tuning_job_says_itself_wins() -> None:
    stack = Stack.read("tuning", session(outputs=OUTPUTS | PRIVATE))
    completed = stack.complete(JOB)
    assert completed.definition.encryption == Encryption(output_key="arn:key", volume_key="arn:key")
    assert completed.definition.network == Network(subnets=["subnet-1", "subnet-2"], security_groups=["sg-1"])
    own = JOB.changed(
        encryption=Encryption(volume_key="mine"), network=Network(subnets=["s"], security_groups=["g"], isolated=True)
    )
    assert stack.complete(own).definition.encryption == Encryption(output_key="arn:key", volume_key="mine")
    assert stack.complete(own).definition.network == own.definition.network
    several = replace(JOB, definitions=[Definition(name="a"), Definition(name="b", network=own.definition.network)])
    assert [definition.network.subnets for definition in stack.complete(several).definitions] == [["subnet-1", "subnet-2"], ["s"]]


def test_an_image_goes_where_none_is_named() -> None:
    stack = Stack.read("tuning", session())
    digest = f"sha256:{'0' * 64}"
    assert with_image(JOB, "v1", stack).definition.image == f"{REPOSITORY}:v1"
    assert with_image(JOB, digest, stack).definition.image == f"{REPOSITORY}@{digest}"
    assert with_image(JOB, "other/image:v1", stack).definition.image == "other/image:v1"
    assert with_image(JOB, "other/image:v1", None).definition.image == "other/image:v1"
    several = replace(
        JOB, definitions=[Definition(name="a", image="x/y:z"), Definition(name="b"), Definition(name="c", algorithm="d")]
    )
    assert [definition.image for definition in with_image(several, "v1", stack).definitions] == [
        "x/y:z",
        f"{REPOSITORY}:v1",
        None,
    ]
    with pytest.raises(Invalid, match="'v1'; a tag alone needs a stack"):
        with_image(JOB, "v1", None)
    with pytest.raises(Invalid, match="names its own"):
        with_image(JOB.changed(image="x/y:z"), "v1", stack)


# --- the command, before a stack that moto has made -----------------------------------------------------------------------

TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
POLICY = {"Effect": "Allow", "Action": ["s3:*", "logs:*", "ecr:*", "cloudwatch:PutMetricData"], "Resource": "*"}
TEMPLATE = {
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "bucket"}},
        "Repository": {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "trainer"}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": "execution",
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [TRUST]},
                "Policies": [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [POLICY]}}],
            },
        },
    },
    "Outputs": {
        "BucketName": {"Value": {"Ref": "Bucket"}},
        "OutputUri": {"Value": {"Fn::Sub": "s3://${Bucket}/tuning"}},
        "ExecutionRoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}},
        "LaunchRoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}},
        "RepositoryUri": {"Value": REPOSITORY},
        "TopicArn": {"Value": OUTPUTS["TopicArn"]},
    },
}
MANIFEST = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}
FILE = """
name = "stacked"
script = "train.py"
strategy = { name = "Random", seed = 1 }
max_jobs = 2
max_parallel = 2
[objective]
metric = "score"
goal = "Minimize"
regex = 'score=([-+0-9.eE]+)'
[ranges]
learning_rate = {}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "train.py").write_text("import sys\nprint('score=' + sys.argv[sys.argv.index('--learning_rate') + 1])\n")
    (tmp_path / "job.toml").write_text(FILE)
    return str(tmp_path / "job.toml")


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account with the stack, and an image `v1` in its repository."""
    pytest.importorskip("moto.cloudformation", reason="moto's CloudFormation needs packages: pip install 'moto[cloudformation]'")
    monkeypatch.setenv("AWS_ENDPOINT_URL_PRICING", "http://127.0.0.1:9")  # moto has no price list: nobody is asked
    with emulated_sagemaker():
        boto3.client("cloudformation").create_stack(StackName="tuning", TemplateBody=json.dumps(TEMPLATE))
        boto3.client("ecr").put_image(repositoryName="trainer", imageManifest=json.dumps(MANIFEST), imageTag="v1")
        yield


def test_run_and_doctor_find_role_bucket_and_image_by_themselves(deployed: None, file: str) -> None:
    words = [file, "--aws", "--stack", "tuning", "--image", "v1", "--json"]
    looked = CliRunner().invoke(sm_tuning, ["doctor", *words])
    facts = {finding["check"]: finding for finding in json.loads(looked.stdout)["findings"]}
    assert (looked.exit_code, json.loads(looked.stdout)["ok"]) == (0, True), looked.stdout
    assert (facts["image"]["text"], facts["image"]["state"]) == (f"{REPOSITORY}:v1", "ok")
    done = CliRunner().invoke(sm_tuning, ["run", *words, "--yes", "--max-cost", "1", "--price-per-hour", "0.1"])
    assert done.exit_code == 0, done.stdout + done.stderr
    (name,) = re.findall(r"created (\S+) in AWS", done.stderr)
    job = boto3.client("sagemaker").describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    definition = job["TrainingJobDefinition"]
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert definition["RoleArn"] == OUTPUTS["ExecutionRoleArn"]
    assert definition["OutputDataConfig"]["S3OutputPath"] == "s3://bucket/tuning"
    assert definition["AlgorithmSpecification"]["TrainingImage"] == f"{REPOSITORY}:v1"


def test_what_is_wrong_is_one_sentence_and_nothing_is_made(deployed: None, file: str) -> None:
    cases = {
        ("run", "--stack", "tunin"): (1, "there is no stack tunin in us-east-1: deploy it, or name its region with --region"),
        ("run", "--stack", "tuning", "--region", "eu-west-1"): (1, "there is no stack tuning in eu-west-1"),
        ("run", "--image", "v1"): (2, "a tag alone needs a stack"),
        ("run", "--stack", "tuning", "--max-cost", "1"): (2, "no price of ml.m5.large is known: give --price-per-hour"),
        ("plan", "--stack", "tunin"): (1, "there is no stack tunin"),
        ("doctor", "--stack", "tunin"): (1, "there is no stack tunin"),
        ("doctor", "--account", "12"): (2, "--account is '12'; it must be 12 digits"),
    }
    for (command, *words), (code, said) in cases.items():
        done = CliRunner().invoke(sm_tuning, [command, file, "--aws", *words, *(["--yes"] if command == "run" else [])])
        assert (done.exit_code, done.stdout) == (code, ""), done.stderr
        assert done.stderr.startswith("sm-tuning: ")
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
    assert boto3.client("sagemaker").list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="bucket")


def test_doctor_shows_what_mends_it(deployed: None, file: str) -> None:
    words = ["doctor", file, "--aws", "--stack", "tuning", "--image", "v2", "--account", "999999999999"]
    wrong = CliRunner().invoke(sm_tuning, words)
    assert wrong.exit_code == 1
    assert "✗ account      the credentials are of the account 123456789012; 999999999999 is meant\n" in wrong.stdout
    shown = CliRunner().invoke(sm_tuning, words[:-2]).stdout
    assert re.search(r"✓ role +execution exists and trusts sagemaker.amazonaws.com\n", shown)
    assert re.search(
        rf"✗ image +.*has no image v2; there are v1\n +→ docker build --tag {REPOSITORY}:v2 \. && docker push ", shown
    )
    assert re.search(r"✓ caller +SageMakerRole may do what this tuning job needs\n", shown)
    assert re.search(r"\n1 problem; \d+ could not be looked at\nworst case: 2.0 instance-hours of ml.m5.large\n", shown)


def test_a_launch_under_a_taken_name_says_what_to_type(deployed: None, file: str) -> None:
    made = CliRunner().invoke(sm_tuning, ["run", file, "--aws", "--stack", "tuning", "--image", "v1", "--yes", "--name", "one"])
    assert made.exit_code == 0, made.stderr
    again = CliRunner().invoke(sm_tuning, ["run", file, "--aws", "--stack", "tuning", "--image", "v1", "--yes", "--name", "one"])
    assert again.exit_code == 1
    said = "was not created: there is one of that name already; leave out --name for a name that is free, or give another --name"
    assert again.stderr == f"sm-tuning: the tuning job one {said}\n"
    taken = CliRunner().invoke(sm_tuning, ["doctor", file, "--aws", "--stack", "tuning", "--image", "v1", "--name", "one"])
    assert re.search(r"✗ name +there is a tuning job one already\n +→ give another --name", taken.stdout)
