"""Both stacks, created, updated and deleted through CloudFormation by the command that does it in AWS."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sm_tuning import Continuous, Objective, Random, Resources, TuningJob
from tests.conftest import Server
from tests.infra.conftest import SUBJECT, TEMPLATES, Command, bootstrap, of, tuning

pytestmark = pytest.mark.slow(20)

CONTRACT = {
    "Project",
    "Environment",
    "BucketName",
    "OutputUri",
    "ExecutionRoleArn",
    "LaunchRoleArn",
    "RepositoryUri",
    "TopicArn",
    "ModelsUri",
    "ModelPackageGroup",
    "EndedQueueUrl",
    "Triggers",
}
ACCOUNT = "123456789012"


Project = Callable[..., str]


def test_from_an_empty_account_to_a_tuning_job_and_back(served: Server, infra: Command, deploy: Command) -> None:
    before = infra(*tuning("own-a"))
    assert before.code == 1
    assert "there is no stack own-a-production-bootstrap in us-east-1; an administrator makes it once" in before.err
    assert infra("outputs", "BucketName", *of("own-a")).code == 1, "nothing was made"
    said = infra(*bootstrap("own-a"))
    assert said.code == 0, said.err
    assert said.outputs["DeployRoleArn"].endswith("role/own-a-production-us-east-1-deploy")

    outputs = deploy("own-a").outputs
    assert set(outputs) == CONTRACT
    assert outputs["OutputUri"] == f"s3://{outputs['BucketName']}/tuning"
    trust = served.client("iam").get_role(RoleName="own-a-production-us-east-1-launch")["Role"]
    assert SUBJECT in json.dumps(trust["AssumeRolePolicyDocument"]), "handed on by the bootstrap stack"

    queue = _listen(served, outputs["TopicArn"])
    job = TuningJob(
        name="own-a",
        tags={"Project": "own-a", "Environment": "production"},
        objective=Objective.maximize("validation:accuracy", regex="validation:accuracy=([0-9.]+)"),
        ranges=[Continuous("learning_rate", 0.001, 0.01)],
        hyperparameters={"epochs": 1},
        strategy=Random(seed=1),
        max_jobs=2,
        max_parallel=2,
        role=outputs["ExecutionRoleArn"],
        output=outputs["OutputUri"],
        image=f"{outputs['RepositoryUri']}:0123abc",
        resources=Resources(volume_gb=1, max_runtime=300),
    )
    run = job.launch(client=served.client("sagemaker"), session=_Session(served))
    assert run.wait(timeout=60).status == "Completed"
    best = run.best()
    assert best is not None
    assert run.model_uri(best.name).startswith(f"{outputs['OutputUri']}/{best.name}/")
    message = served.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1)["Messages"][0]["Body"]
    assert "The tuning job own-a is Completed" in json.loads(message)["Message"]

    served.client("ecr").put_image(repositoryName="own-a-production", imageManifest=json.dumps(MANIFEST), imageTag="0123abc")
    listed = infra("teardown", *of("own-a"))
    assert listed.code == 0, "a listing is no failure"
    assert f"{outputs['BucketName']}: 4 objects" in listed.err
    assert "own-a-production: 1 image\n" in listed.err
    assert infra("outputs", "BucketName", *of("own-a")).out.strip() == outputs["BucketName"], "nothing was deleted"
    gone = infra("teardown", *of("own-a"), "--yes")
    assert gone.code == 0, gone.err
    again = infra(*bootstrap("own-z", MakeProvider="true"))
    assert again.code == 1
    assert "another stack has it" in again.err or "give MakeProvider=false" in again.err
    again = infra(*bootstrap("own-z", ManageLogGroup="true"))
    assert again.code == 1
    assert "another stack sets how long these logs are kept; give ManageLogGroup=false" in again.err
    made = served.client("cloudformation").list_stack_resources(StackName="own-a-production-bootstrap")["StackResourceSummaries"]
    manages = "AWS::Logs::LogGroup" in {resource["ResourceType"] for resource in made}  # unless a test before has made it
    gone = infra("teardown", "--bootstrap", *of("own-a"), "--yes")
    assert gone.code == 0, gone.err
    assert ("left: /aws/sagemaker/TrainingJobs" in gone.err) is manages
    assert outputs["BucketName"] not in {bucket["Name"] for bucket in served.client("s3").list_buckets()["Buckets"]}
    names = {repository["repositoryName"] for repository in served.client("ecr").describe_repositories()["repositories"]}
    assert "own-a-production" not in names
    assert not [role for role in served.client("iam").list_roles()["Roles"] if role["RoleName"].startswith("own-a")]
    assert not [
        policy for policy in served.client("iam").list_policies(Scope="Local")["Policies"] if "own-a" in policy["PolicyName"]
    ]
    assert infra("teardown", *of("own-a"), "--yes").code == 0, "it may be repeated"


MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 1, "digest": f"sha256:{'0' * 64}"},
    "layers": [],
}


def test_updating(served: Server, infra: Command, deploy: Command, project: Project) -> None:
    project("own-b")
    deploy("own-b")
    assert "nothing to change" in deploy("own-b").err
    shown = infra("bootstrap", *of("own-b"), "InstanceTypes=ml.c5.large", "--only-show")
    assert shown.code == 0
    assert "~ AWS::IAM::Role                   LaunchRole" in shown.err
    assert "ml.c5.large" not in _launch(served, "own-b"), "only shown"
    project("own-b", InstanceTypes="ml.c5.large", MaxRuntimeSeconds="600", KmsKey="new", Subnets="new", VpcEndpoints="true")
    assert "ml.c5.large" in _launch(served, "own-b")

    everything = deploy("own-b", Email="a@example.org", MonthlyBudget="50")
    assert {"KmsKeyArn", "SubnetIds", "SecurityGroupIds"} <= set(everything.outputs)
    assert len(everything.outputs["SubnetIds"].split(",")) == 2
    key = served.client("s3").get_bucket_encryption(Bucket=everything.outputs["BucketName"])
    assert everything.outputs["KmsKeyArn"] in str(key)
    budget = served.client("budgets").describe_budget(AccountId=ACCOUNT, BudgetName="own-b-production-us-east-1")["Budget"]
    assert float(budget["BudgetLimit"]["Amount"]) == 50
    assert budget["CostFilters"]["TagKeyValue"] == ["user:Project$own-b"]
    assert deploy("own-b", ImagesKept="5").outputs == everything.outputs, "what is not said stays as it was"

    project("own-b", KmsKey="", Subnets="")
    assert "ml.c5.large" in _launch(served, "own-b"), "what is not said stays as it was"
    assert set(deploy("own-b", Email="", MonthlyBudget="0").outputs) == CONTRACT, "what the bootstrap stack tells no longer goes"
    assert infra("teardown", *of("own-b"), "--yes").code == 0


def _launch(served: Server, project: str) -> str:
    return str(served.client("iam").get_role_policy(RoleName=f"{project}-production-us-east-1-launch", PolicyName="launch"))


def test_a_stack_that_holds_work_is_not_deleted(served: Server, infra: Command, deploy: Command, project: Project) -> None:
    project("own-c")
    bucket = deploy("own-c").outputs["BucketName"]
    s3 = served.client("s3")
    for body in (b"one", b"two"):
        s3.put_object(Bucket=bucket, Key="tuning/model.tar.gz", Body=body)
    served.client("cloudformation").delete_stack(StackName="own-c-production")
    assert s3.get_object(Bucket=bucket, Key="tuning/model.tar.gz")["Body"].read() == b"two"
    refused = infra(*tuning("own-c"))
    assert refused.code == 1
    assert "is DELETE_FAILED and takes no change; what it could not delete still holds something: " in refused.err
    assert "sm-tuning infra teardown --project own-c --environment production --yes --aws" in refused.err
    listed = infra("teardown", *of("own-c")).err
    assert f"{bucket}: 2 objects, with their older versions" in listed
    assert infra("teardown", *of("own-c"), "--yes").code == 0
    assert bucket not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}


def test_the_bucket_survives_the_emulator(server: Server, infra: Command) -> None:
    words = tuning("own-d")
    assert infra(*bootstrap("own-d"), at=server).code == 0
    bucket = infra(*words, at=server).outputs["BucketName"]
    server.client("s3").put_object(Bucket=bucket, Key="tuning/kept", Body=b"kept")
    server.end()
    server.start()
    assert infra(*bootstrap("own-d"), at=server).code == 0
    assert infra(*words, at=server).outputs["BucketName"] == bucket, "stacks are forgotten, buckets adopted"
    s3 = server.client("s3")
    assert s3.get_object(Bucket=bucket, Key="tuning/kept")["Body"].read() == b"kept"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_a_creation_that_fails_leaves_nothing(served: Server, infra: Command, tmp_path: Path) -> None:
    template = (TEMPLATES / "bootstrap.yaml").read_text().replace('Action: "iam:PassRole"', 'Action: "iam PassRole"')
    (tmp_path / "bootstrap.yaml").write_text(template)
    said = infra(*bootstrap("own-e"), "--templates", str(tmp_path))
    assert said.code == 1
    assert said.err.count("\nsm-tuning: ") == 1
    assert "own-e-production-bootstrap was not deployed: Boundary: " in said.err
    assert "Nothing is left of it" in said.err
    assert infra("outputs", "--bootstrap", "LaunchRoleArn", *of("own-e")).code == 1
    assert not [role for role in served.client("iam").list_roles()["Roles"] if role["RoleName"].startswith("own-e")]


def test_parameters_keep_to_their_constraints(infra: Command) -> None:
    words = ("bootstrap", *of("own-f"))
    for wrong in (
        "DeploySubjects=repo:us/*:environment:production",
        "DeploySubjects=repo:us/digits:*",
        "DeploySubjects=*",
        f"DeploySubjects={SUBJECT},repo:x",
    ):
        said = infra(*words, wrong)
        assert (said.code, "Parameter 'DeploySubjects' must match pattern" in said.err) == (2, True), wrong
    immutable = "repo:us@1/digits@2:environment:production"
    lab = "project_path:us/digits:ref_type:branch:ref:main"
    for right in (f"DeploySubjects={SUBJECT}", f"DeploySubjects={immutable},{SUBJECT}", f"DeploySubjects={lab}"):
        assert infra(*words, right, "--only-show").code == 0, right
    few = infra(*words, "MaxRuntimeSeconds=1")
    assert "Parameter 'MaxRuntimeSeconds' must be a number between 60 and" in few.err
    groups = infra(*words, "Subnets=subnet-1")
    assert (groups.code, "Subnets need SecurityGroups" in groups.err) == (1, True), groups.err
    assert infra("outputs", "--bootstrap", "LaunchRoleArn", *of("own-f")).code == 1


def test_a_template_runs_no_code(served: Server, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    template = (
        f"Resources: {{Topic: {{Type: 'AWS::SNS::Topic', Properties: {{TopicName: !!python/object/apply:os.mkdir [{proof}]}}}}}}"
    )
    with suppress(ClientError):
        served.client("cloudformation").create_stack(StackName="own-g", TemplateBody=template)
    assert not proof.exists()


class _Session:
    """A session whose clients are the emulator's."""

    def __init__(self, served: Server) -> None:
        self._served = served

    def client(self, service: str, region_name: str | None = None, **_words: object) -> object:
        assert region_name in {None, "us-east-1"}
        return self._served.client(service)


def _listen(served: Server, topic: str) -> str:
    """A queue that gets the topic's messages."""
    sqs = served.client("sqs")
    queue: str = sqs.create_queue(QueueName="listener")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    served.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return queue
