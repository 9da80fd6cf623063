"""Both stacks, created, updated and deleted through CloudFormation by the command that does it in AWS."""

import json
from contextlib import suppress
from pathlib import Path

from botocore.exceptions import ClientError

from sm_tuning import Continuous, Objective, Random, Resources, TuningJob
from tests.conftest import Server
from tests.infra.conftest import BOOTSTRAP, SUBJECT, TUNING, Command, bootstrap, policies

CONTRACT = {"BucketName", "OutputUri", "ExecutionRoleArn", "LaunchRoleArn", "RepositoryUri", "TopicArn"}
ACCOUNT = "123456789012"


def test_from_an_empty_account_to_a_tuning_job_and_back(served: Server, infra: Command, deploy: Command) -> None:
    said = infra(*bootstrap(served, "own-a"))
    assert said.code == 0, said.err
    assert said.outputs["DeployRoleArn"].endswith("role/own-a-deploy")

    outputs = deploy("own-a").outputs
    assert set(outputs) == CONTRACT
    assert outputs["OutputUri"] == f"s3://{outputs['BucketName']}/tuning"
    trust = served.client("iam").get_role(RoleName="own-a-launch")["Role"]
    assert SUBJECT in json.dumps(trust["AssumeRolePolicyDocument"]), "handed on by the bootstrap stack"

    queue = _listen(served, outputs["TopicArn"])
    job = TuningJob(
        name="own-a",
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

    served.client("ecr").put_image(repositoryName="own-a", imageManifest=json.dumps(MANIFEST), imageTag="0123abc")
    listed = infra("teardown", "own-a")
    assert listed.code == 2
    assert f"{outputs['BucketName']}: 4 objects" in listed.err
    assert "own-a: 1 images" in listed.err
    assert infra("output", "own-a", "BucketName").out.strip() == outputs["BucketName"], "nothing was deleted"
    gone = infra("teardown", "own-a", "--yes")
    assert gone.code == 0, gone.err
    assert "left: /aws/sagemaker/TrainingJobs" in gone.err
    again = infra(
        "deploy", BOOTSTRAP, "--stack", "own-z-bootstrap", f"--parameter=Subjects={SUBJECT}", "--parameter=Project=own-z"
    )
    assert again.code == 1
    assert "the account has this OpenID Connect provider; give --parameter MakeProvider=false" in again.err
    assert infra("teardown", "own-a-bootstrap", "--yes").code == 0
    assert outputs["BucketName"] not in {bucket["Name"] for bucket in served.client("s3").list_buckets()["Buckets"]}
    names = {repository["repositoryName"] for repository in served.client("ecr").describe_repositories()["repositories"]}
    assert "own-a" not in names
    assert not [role for role in served.client("iam").list_roles()["Roles"] if role["RoleName"].startswith("own-a")]
    assert infra("teardown", "own-a", "--yes").code == 0, "it may be repeated"


MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 1, "digest": f"sha256:{'0' * 64}"},
    "layers": [],
}


def test_updating(served: Server, infra: Command, deploy: Command) -> None:
    deploy("own-b")
    assert "nothing to change" in deploy("own-b").err
    shown = infra("deploy", TUNING, "--stack", "own-b", "--parameter", "InstanceTypes=ml.c5.large", "--only-show")
    assert shown.code == 0
    assert "~ AWS::IAM::Role                   LaunchRole" in shown.err
    assert "ml.c5.large" not in str(policies(served.client("iam"), "own-b-launch")), "only shown"

    deploy("own-b", InstanceTypes="ml.c5.large", MaxRuntimeSeconds="600")
    assert "ml.c5.large" in str(policies(served.client("iam"), "own-b-launch"))
    everything = deploy(
        "own-b", UseKmsKey="true", UseVpc="true", UseVpcEndpoints="true", Email="a@example.org", MonthlyBudget="50"
    )
    assert {"KmsKeyArn", "SubnetIds", "SecurityGroupIds"} <= set(everything.outputs)
    assert len(everything.outputs["SubnetIds"].split(",")) == 2
    key = served.client("s3").get_bucket_encryption(Bucket=everything.outputs["BucketName"])
    assert everything.outputs["KmsKeyArn"] in str(key)
    assert "ml.c5.large" in str(policies(served.client("iam"), "own-b-launch")), "what is not said stays as it was"
    budget = served.client("budgets").describe_budget(AccountId=ACCOUNT, BudgetName="own-b")["Budget"]
    assert float(budget["BudgetLimit"]["Amount"]) == 50

    without = deploy("own-b", UseKmsKey="false", UseVpc="false", UseVpcEndpoints="false", Email="", MonthlyBudget="0")
    assert set(without.outputs) == CONTRACT
    assert infra("teardown", "own-b", "--yes").code == 0


def test_a_stack_that_holds_work_is_not_deleted(served: Server, infra: Command, deploy: Command) -> None:
    bucket = deploy("own-c").outputs["BucketName"]
    s3 = served.client("s3")
    for body in (b"one", b"two"):
        s3.put_object(Bucket=bucket, Key="tuning/model.tar.gz", Body=body)
    served.client("cloudformation").delete_stack(StackName="own-c")
    assert s3.get_object(Bucket=bucket, Key="tuning/model.tar.gz")["Body"].read() == b"two"
    refused = infra("deploy", TUNING, "--stack", "own-c")
    assert refused.code == 1
    assert "is DELETE_FAILED and takes no change; what it could not delete still holds something: make teardown" in refused.err
    listed = infra("teardown", "own-c").err
    assert f"{bucket}: 2 objects, with their older versions" in listed
    assert infra("teardown", "own-c", "--yes").code == 0
    assert bucket not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}


def test_the_bucket_survives_the_emulator(server: Server, infra: Command) -> None:
    words = ("deploy", TUNING, "--stack", "own-d", "--parameter", "Project=own-d")
    bucket = infra(*words, at=server).outputs["BucketName"]
    server.client("s3").put_object(Bucket=bucket, Key="tuning/kept", Body=b"kept")
    server.end()
    server.start()
    assert infra(*words, at=server).outputs["BucketName"] == bucket, "stacks are forgotten, buckets adopted"
    s3 = server.client("s3")
    assert s3.get_object(Bucket=bucket, Key="tuning/kept")["Body"].read() == b"kept"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_a_creation_that_fails_leaves_nothing(served: Server, infra: Command, tmp_path: Path) -> None:
    template = Path(TUNING).read_text().replace('Action: "iam:PassRole"', 'Action: "iam PassRole"')
    broken = tmp_path / "tuning.yaml"
    broken.write_text(template)
    said = infra("deploy", str(broken), "--stack", "own-e", "--parameter", "Project=own-e")
    assert said.code == 1
    assert said.err.count("\ninfra: ") == 1
    assert "own-e was not deployed: LaunchRole: " in said.err
    assert "Nothing is left of it" in said.err
    assert infra("output", "own-e", "BucketName").code == 1
    assert not [role for role in served.client("iam").list_roles()["Roles"] if role["RoleName"].startswith("own-e")]
    assert not [bucket for bucket in served.client("s3").list_buckets()["Buckets"] if bucket["Name"].startswith("own-e")]


def test_parameters_keep_to_their_constraints(infra: Command) -> None:
    words = ("deploy", BOOTSTRAP, "--stack", "own-f-bootstrap", "--parameter", "Project=own-f")
    for wrong in (
        "Subjects=repo:us/*:environment:production",
        "Subjects=repo:us/digits:*",
        "Subjects=*",
        f"Subjects={SUBJECT},repo:x",
    ):
        said = infra(*words, "--parameter", wrong)
        assert (said.code, "Parameter 'Subjects' must match pattern" in said.err) == (2, True), wrong
    immutable = "repo:us@1/digits@2:environment:production"
    lab = "project_path:us/digits:ref_type:branch:ref:main"
    for right in (f"Subjects={SUBJECT}", f"Subjects={immutable},{SUBJECT}", f"Subjects={lab}"):
        assert infra(*words, "--parameter", right, "--only-show").code == 0, right
    few = infra("deploy", TUNING, "--stack", "own-f", "--parameter", "MaxRuntimeSeconds=1")
    assert "Parameter 'MaxRuntimeSeconds' must be a number between 60 and" in few.err
    assert infra("output", "own-f", "BucketName").code == 1


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
