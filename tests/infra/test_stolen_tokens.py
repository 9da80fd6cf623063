"""What somebody can do who has stolen a pipeline's token: of what is not the project's, nothing; of its own, what the role is for.

The project has everything on that the templates offer: a key, a network, isolation. Policies are evaluated, nothing is created.
"""

from collections.abc import Mapping

import pytest

from tests.infra.conftest import AUTOMATION, BOOTSTRAP, REGION, SUBJECT, TEMPLATES
from tests.infra.iam import Call, allowed
from tests.infra.templates import ACCOUNT, Evaluated, Principal

ROLES = ("DeployRole", "TeardownRole", "LaunchRole", "ExecutionRole", "PromoteRole", "TriggerRole")
OTHER_REGION = "eu-west-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key"
TRIGGERS = {"Triggers": "true"}
SUBJECTS = {"DeploySubjects": SUBJECT, "LaunchSubjects": f"{SUBJECT}-launch", "TeardownSubjects": f"{SUBJECT}-teardown"}
OWN = Evaluated(
    BOOTSTRAP,
    REGION,
    Project="digits",
    KmsKey="new",
    Subnets="subnet-a,subnet-b",
    SecurityGroups="sg-own",
    RequireNetworkIsolation="true",
    **TRIGGERS,
    **SUBJECTS,
)
GIVEN = Evaluated(
    BOOTSTRAP,
    REGION,
    Project="digits",
    ExistingBucket="theirs",
    ExistingExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/theirs",
    KmsKey=f"{KEY}/theirs",
    Subnets="subnet-theirs,subnet-theirs2",
    SecurityGroups="sg-theirs",
    **TRIGGERS,
    **SUBJECTS,
)
UNASKED = Evaluated(BOOTSTRAP, REGION, Project="digits", KmsKey="new", **SUBJECTS)
PROMOTES = {"PromoteSubjects": f"{SUBJECT}-promote", **TRIGGERS}
# The roles of the automation stack, beside each bootstrap stack.
BESIDE = {
    OWN: Evaluated(AUTOMATION, REGION, Project="digits", KmsKeyArn=f"{KEY}/1234", **PROMOTES),
    GIVEN: Evaluated(AUTOMATION, REGION, Project="digits", KmsKeyArn=f"{KEY}/theirs", ExistingBucket="theirs", **PROMOTES),
}


def principal(stack: Evaluated, role: str) -> Principal:
    """A role of a bootstrap stack, or of the automation stack beside it."""
    return Principal(stack if role in stack.template["Resources"] else BESIDE[stack], role)


Context = Mapping[str, tuple[str, ...]]
# What a thief may say, or what is so anyway: the tag of the project on what is made, on a foreign key or job its own.
CLAIMED: Context = {
    "aws:RequestTag/Project": ("digits",),
    "aws:RequestTag/Environment": ("production",),
    "aws:TagKeys": ("Project",),
}
THEIRS: Context = {"aws:ResourceTag/Project": ("another",), "aws:ResourceTag/Environment": ("production",)}
STAGING: Context = {"aws:ResourceTag/Project": ("digits",), "aws:ResourceTag/Environment": ("staging",)}
OWNED: Context = {"aws:ResourceTag/Project": ("digits",), "aws:ResourceTag/Environment": ("production",)}


def arn(service: str, rest: str, region: str = REGION, account: str = ACCOUNT) -> str:
    return f"arn:aws:{service}:{region}:{account}:{rest}"


def iam(rest: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{rest}"


JOB = arn("sagemaker", "hyper-parameter-tuning-job/x")
OTHERS_BUCKETS = [
    f"arn:aws:s3:::another-production-{ACCOUNT}-{REGION}",
    f"arn:aws:s3:::digits-staging-{ACCOUNT}-{REGION}",
    f"arn:aws:s3:::digits-production-{ACCOUNT}-{OTHER_REGION}",
    f"arn:aws:s3:::digits-production-999999999999-{REGION}",
]
NAMES = ("another-production", "digits-staging", "digits-production-more", "digits-productions")
FOREIGN = [
    # keys: the finding was that a key could be tagged as the project's, and then be given another policy
    Call("kms:TagResource", f"{KEY}/foreign", CLAIMED),
    Call("kms:PutKeyPolicy", f"{KEY}/foreign", {**CLAIMED, **OWNED}),
    Call("kms:ScheduleKeyDeletion", f"{KEY}/foreign", OWNED),
    Call("kms:CreateGrant", f"{KEY}/foreign", {**OWNED, "kms:GrantIsForAWSResource": ("true",)}),
    Call("kms:Decrypt", f"{KEY}/foreign", OWNED),
    Call("kms:GenerateDataKey", f"{KEY}/foreign", OWNED),
    Call("kms:CreateKey", "*", CLAIMED),
    # networks
    Call("ec2:AuthorizeSecurityGroupIngress", arn("ec2", "security-group/sg-foreign"), OWNED),
    Call("ec2:AuthorizeSecurityGroupEgress", arn("ec2", "security-group/sg-foreign"), OWNED),
    Call("ec2:DeleteSubnet", arn("ec2", "subnet/subnet-foreign"), OWNED),
    Call("ec2:DeleteVpc", arn("ec2", "vpc/vpc-foreign"), OWNED),
    Call("ec2:ModifyVpcEndpoint", arn("ec2", "vpc-endpoint/vpce-foreign"), OWNED),
    Call("ec2:ReplaceRouteTableAssociation", arn("ec2", "route-table/rtb-foreign"), OWNED),
    Call("ec2:CreateTags", arn("ec2", "vpc/vpc-foreign"), CLAIMED),
    Call("ec2:CreateVpc", arn("ec2", "vpc/*"), CLAIMED),
    Call("ec2:RunInstances", arn("ec2", "instance/*"), CLAIMED),
    Call("ec2:CreateNetworkInterface", arn("ec2", "subnet/subnet-foreign"), {"ec2:SubnetID": ("subnet-foreign",)}),
    Call("ec2:CreateNetworkInterface", arn("ec2", "security-group/sg-foreign"), {"ec2:SecurityGroupID": ("sg-foreign",)}),
    # identities
    Call("iam:UpdateAssumeRolePolicy", iam("role/digits-production-us-east-1-launch")),
    Call("iam:UpdateAssumeRolePolicy", iam("role/digits-production-us-east-1-deploy")),
    Call("iam:UpdateAssumeRolePolicy", iam("role/Administrator")),
    Call("iam:CreateRole", iam("role/digits-production-us-east-1-more")),
    Call("iam:PutRolePolicy", iam("role/digits-production-us-east-1-execution")),
    Call("iam:AttachRolePolicy", iam("role/digits-production-us-east-1-deploy")),
    Call("iam:DeleteRolePermissionsBoundary", iam("role/digits-production-us-east-1-launch")),
    Call("iam:CreatePolicyVersion", iam("policy/digits-production-us-east-1-boundary")),
    Call("iam:SetDefaultPolicyVersion", iam("policy/digits-production-us-east-1-deploy")),
    Call("iam:CreateUser", iam("user/thief")),
    Call("iam:CreateAccessKey", iam("user/somebody")),
    Call("iam:UpdateOpenIDConnectProviderThumbprint", iam("oidc-provider/token.actions.githubusercontent.com")),
    Call("iam:PassRole", iam("role/Administrator"), {"iam:PassedToService": ("sagemaker.amazonaws.com",)}),
    Call("iam:PassRole", iam("role/digits-production-us-east-1-execution"), {"iam:PassedToService": ("lambda.amazonaws.com",)}),
    Call(
        "iam:PassRole", iam("role/digits-production-us-east-1-deploy"), {"iam:PassedToService": ("cloudformation.amazonaws.com",)}
    ),
    *(
        Call("sts:AssumeRole", iam(f"role/{name}"))
        for name in ("Administrator", "digits-production-us-east-1-deploy", "digits-staging-us-east-1-launch")
    ),
    # what other projects, environments and regions store
    *(Call("s3:GetObject", f"{bucket}/tuning/model.tar.gz") for bucket in OTHERS_BUCKETS),
    *(Call("s3:PutObject", f"{bucket}/tuning/model.tar.gz") for bucket in OTHERS_BUCKETS),
    *(Call("s3:DeleteObjectVersion", f"{bucket}/tuning/model.tar.gz") for bucket in OTHERS_BUCKETS),
    *(Call(f"s3:{action}", bucket) for bucket in OTHERS_BUCKETS for action in ("PutBucketPolicy", "DeleteBucket", "ListBucket")),
    *(Call(f"ecr:{action}", arn("ecr", f"repository/{name}")) for name in NAMES for action in ("PutImage", "DeleteRepository")),
    Call("ecr:PutImage", arn("ecr", "repository/digits-production", OTHER_REGION)),
    Call("ecr:SetRepositoryPolicy", arn("ecr", "repository/digits-production")),
    *(
        Call(f"cloudformation:{action}", arn("cloudformation", f"stack/{name}/1"))
        for name in (*NAMES, "digits-production-bootstrap", "digits-production-network", "digits-production-automation")
        for action in ("CreateChangeSet", "ExecuteChangeSet", "DeleteStack")
    ),
    Call("cloudformation:DeleteStack", arn("cloudformation", "stack/digits-production/1", OTHER_REGION)),
    *(Call("sns:Publish", arn("sns", name)) for name in NAMES),
    *(Call("sns:SetTopicAttributes", arn("sns", name)) for name in NAMES),
    *(Call("sqs:SetQueueAttributes", arn("sqs", f"{name}-undelivered")) for name in NAMES),
    *(
        Call(f"scheduler:{action}", arn("scheduler", f"schedule/default/{name}"))
        for name in NAMES
        for action in ("CreateSchedule", "UpdateSchedule", "DeleteSchedule")
    ),
    *(
        Call(f"sagemaker:{action}", arn("sagemaker", f"pipeline/{name}"))
        for name in NAMES
        for action in ("CreatePipeline", "UpdatePipeline", "DeletePipeline", "StartPipelineExecution")
    ),
    *(
        Call(f"sagemaker:{action}", arn("sagemaker", f"model-package/{name}/1"), {"sagemaker:ModelApprovalStatus": (status,)})
        for name in NAMES
        for action in ("CreateModelPackage", "UpdateModelPackage", "DeleteModelPackage", "DescribeModelPackage")
        for status in ("PendingManualApproval", "Approved")
    ),
    *(Call("sagemaker:DeleteModelPackageGroup", arn("sagemaker", f"model-package-group/{name}")) for name in NAMES),
    *(Call(f"sqs:{action}", arn("sqs", f"{name}-ended")) for name in NAMES for action in ("ReceiveMessage", "DeleteMessage")),
    *(Call("s3:PutObject", f"{bucket}/models/x/model.tar.gz") for bucket in OTHERS_BUCKETS),
    *(Call("events:PutTargets", arn("events", f"rule/{name}-tuning-job-ended")) for name in NAMES),
    *(Call("budgets:ModifyBudget", f"arn:aws:budgets::{ACCOUNT}:budget/{name}-{REGION}") for name in NAMES),
    Call("budgets:ModifyBudget", f"arn:aws:budgets::{ACCOUNT}:budget/digits-production-{OTHER_REGION}"),
    Call("logs:GetLogEvents", arn("logs", "log-group:/aws/lambda/x:log-stream:y")),
    Call("logs:PutRetentionPolicy", arn("logs", "log-group:/aws/sagemaker/TrainingJobs")),
    Call("logs:DeleteLogGroup", arn("logs", "log-group:/aws/sagemaker/TrainingJobs")),
    # what other teams run
    *(
        Call(f"sagemaker:{action}", JOB, {**tags, **CLAIMED})
        for tags in (THEIRS, STAGING, {})
        for action in ("StopHyperParameterTuningJob", "AddTags", "DeleteTags", "DeleteHyperParameterTuningJob")
    ),
    Call("sagemaker:StopHyperParameterTuningJob", arn("sagemaker", "hyper-parameter-tuning-job/x", OTHER_REGION), OWNED),
    Call("sagemaker:CreateTrainingJob", arn("sagemaker", "training-job/x"), CLAIMED),
    Call("sagemaker:CreateNotebookInstance", arn("sagemaker", "notebook-instance/x"), CLAIMED),
    Call("sagemaker:CreatePresignedDomainUrl", arn("sagemaker", "user-profile/x"), CLAIMED),
    # the account
    Call("secretsmanager:GetSecretValue", arn("secretsmanager", "secret:x")),
    Call("ssm:GetParameter", arn("ssm", "parameter/x")),
    Call("lambda:CreateFunction", arn("lambda", "function:x")),
    Call("cloudtrail:StopLogging", arn("cloudtrail", "trail/x")),
    Call("organizations:LeaveOrganization", "*"),
]


def test_there_are_enough_of_them() -> None:
    assert len({(call.action, call.resource) for call in FOREIGN}) >= 100


@pytest.mark.parametrize("stack", [OWN, GIVEN], ids=["own", "given"])
@pytest.mark.parametrize("role", ROLES)
def test_what_is_foreign_is_denied(stack: Evaluated, role: str) -> None:
    if (stack, role) == (GIVEN, "ExecutionRole"):
        assert role not in stack.resources, "it is not this project's"
        return
    assert [str(call) for call in FOREIGN if principal(stack, role).may(call)] == []


def test_no_pipeline_can_give_rights() -> None:
    """Neither IAM nor KMS nor EC2, and nobody's role is passed."""
    for role in ("DeployRole", "TeardownRole"):
        services = {action.split(":")[0] for action in Principal(UNASKED, role).actions}
        assert services.isdisjoint({"iam", "kms", "ec2", "sts", "organizations"}), role
    more = Principal(OWN, "DeployRole").actions - Principal(UNASKED, "DeployRole").actions
    assert more == {"iam:PassRole"}, "where schedules and data may launch, of the trigger role, to what starts the pipeline"
    trigger = iam("role/digits-production-us-east-1-trigger")
    starters = ("events", "scheduler", "lambda", "sagemaker")
    passed = [Call("iam:PassRole", trigger, {"iam:PassedToService": (f"{service}.amazonaws.com",)}) for service in starters]
    assert [Principal(OWN, "DeployRole").may(call) for call in passed] == [True, True, False, False]


def test_triggers_are_off_unless_asked_for() -> None:
    assert Evaluated(AUTOMATION, REGION, Project="digits").resources == {}
    launch = Principal(UNASKED, "LaunchRole")
    assert not {action for action in launch.actions if "Pipeline" in action}
    assert "sagemaker.amazonaws.com" not in str(launch.trust)
    assert principal(OWN, "TriggerRole").actions == {"sagemaker:StartPipelineExecution"}
    pipeline = Call("sagemaker:StartPipelineExecution", arn("sagemaker", "pipeline/digits-production"))
    assert principal(OWN, "TriggerRole").may(pipeline)
    assert not Principal(OWN, "LaunchRole").may(pipeline), "what starts it is the trigger"


BUCKET = f"arn:aws:s3:::digits-production-{ACCOUNT}-{REGION}"
REPOSITORY = arn("ecr", "repository/digits-production")
STACK = arn("cloudformation", "stack/digits-production/1")
PACKAGE = arn("sagemaker", "model-package/digits-production/7")
APPROVING: Context = {"sagemaker:ModelApprovalStatus": ("Approved",)}
# Where promoted models lie, and who approves them.
PROMOTED = [
    Call("s3:PutObject", f"{BUCKET}/models/x/model.tar.gz"),
    Call("s3:DeleteObject", f"{BUCKET}/models/x/model.tar.gz"),
    Call("sagemaker:CreateModelPackage", PACKAGE, {"sagemaker:ModelApprovalStatus": ("PendingManualApproval",)}),
    Call("sagemaker:UpdateModelPackage", PACKAGE, APPROVING),
    Call("sagemaker:DeleteModelPackage", PACKAGE),
]
# Of its own: what each role is not for.
NOT_FOR = {
    "PromoteRole": [
        *PROMOTED[1:2],
        *PROMOTED[3:],
        Call("sagemaker:CreateModelPackage", PACKAGE, APPROVING),
        Call("sagemaker:CreateModelPackage", PACKAGE),
        Call("s3:PutObject", f"{BUCKET}/tuning/x"),
        Call("s3:GetObject", f"{BUCKET}/data/x"),
        Call("sagemaker:CreateHyperParameterTuningJob", JOB, CLAIMED),
        Call("sagemaker:StopHyperParameterTuningJob", JOB, OWNED),
        Call("ecr:PutImage", REPOSITORY),
        Call("cloudformation:ExecuteChangeSet", STACK),
        Call("sqs:SetQueueAttributes", arn("sqs", "digits-production-ended")),
        Call("sns:SetTopicAttributes", arn("sns", "digits-production")),
    ],
    "TriggerRole": [
        *PROMOTED,
        Call("sagemaker:UpdatePipeline", arn("sagemaker", "pipeline/digits-production")),
        Call("sagemaker:CreateHyperParameterTuningJob", JOB, CLAIMED),
        Call("s3:GetObject", f"{BUCKET}/tuning/x"),
    ],
    "DeployRole": [
        *PROMOTED,
        *(
            Call(f"s3:{action}", f"{BUCKET}/tuning/x")
            for action in ("GetObject", "PutObject", "DeleteObject", "DeleteObjectVersion")
        ),
        Call("s3:DeleteBucket", BUCKET),
        Call("ecr:DeleteRepository", REPOSITORY),
        Call("ecr:BatchDeleteImage", REPOSITORY),
        Call("sagemaker:CreateHyperParameterTuningJob", JOB, CLAIMED),
        Call("sagemaker:StopHyperParameterTuningJob", JOB, OWNED),
        Call("kms:Decrypt", f"{KEY}/1234"),
    ],
    "TeardownRole": [
        *(call for call in PROMOTED if call.action != "s3:DeleteObject"),
        *(Call(f"s3:{action}", f"{BUCKET}/tuning/x") for action in ("GetObject", "PutObject")),
        Call("s3:PutBucketPolicy", BUCKET),
        Call("ecr:PutImage", REPOSITORY),
        Call("cloudformation:CreateChangeSet", STACK),
        Call("sagemaker:CreateHyperParameterTuningJob", JOB, CLAIMED),
        Call("kms:ScheduleKeyDeletion", f"{KEY}/1234"),
    ],
    "LaunchRole": [
        *PROMOTED,
        Call("s3:PutObject", f"{BUCKET}/elsewhere"),
        Call("s3:DeleteObject", f"{BUCKET}/tuning/x"),
        Call("s3:PutBucketPolicy", BUCKET),
        Call("ecr:PutImage", REPOSITORY),
        Call("cloudformation:ExecuteChangeSet", STACK),
        Call("sagemaker:AddTags", JOB, {**OWNED, "aws:RequestTag/Project": ("another",)}),
    ],
    "ExecutionRole": [
        *PROMOTED,
        Call("s3:PutObject", f"{BUCKET}/elsewhere"),
        Call("s3:DeleteObject", f"{BUCKET}/tuning/x"),
        Call("ecr:PutImage", REPOSITORY),
        Call("sagemaker:CreateHyperParameterTuningJob", JOB, CLAIMED),
        Call("sagemaker:StopHyperParameterTuningJob", JOB, OWNED),
        Call("iam:PassRole", iam("role/digits-production-us-east-1-execution")),
    ],
}


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_is_not_for_is_denied(role: str) -> None:
    assert [str(call) for call in NOT_FOR[role] if principal(OWN, role).may(call)] == []


def test_a_model_is_registered_for_somebody_to_approve() -> None:
    promote = principal(OWN, "PromoteRole")
    assert promote.may(PROMOTED[0])
    assert promote.may(PROMOTED[2])


# --- tuning jobs: limits, key, network, isolation, tags ------------------------------------------------------------------------

RIGHT: Context = {
    **CLAIMED,
    "sagemaker:InstanceTypes": ("ml.m5.large",),
    "sagemaker:MaxRuntimeInSeconds": ("300",),
    "sagemaker:VolumeKmsKey": (f"{KEY}/1234",),
    "sagemaker:OutputKmsKey": (f"{KEY}/1234",),
    "sagemaker:VpcSubnets": ("subnet-a", "subnet-b"),
    "sagemaker:VpcSecurityGroupIds": ("sg-own",),
    "sagemaker:NetworkIsolation": ("true",),
}
WRONG: Mapping[str, list[tuple[str, ...]]] = {
    "aws:RequestTag/Project": [("another",), ()],
    "aws:RequestTag/Environment": [("staging",), ()],
    "sagemaker:InstanceTypes": [("ml.p5.48xlarge",), ("ml.m5.large", "ml.p5.48xlarge"), ()],
    "sagemaker:MaxRuntimeInSeconds": [("864000",), ()],
    "sagemaker:VolumeKmsKey": [(f"{KEY}/foreign",), ()],
    "sagemaker:OutputKmsKey": [(f"{KEY}/foreign",), ()],
    "sagemaker:VpcSubnets": [("subnet-foreign",), ("subnet-a", "subnet-foreign"), ()],
    "sagemaker:VpcSecurityGroupIds": [("sg-foreign",), ("sg-own", "sg-foreign"), ()],
    "sagemaker:NetworkIsolation": [("false",), ()],
}
BAD = [(key, value) for key, values in WRONG.items() for value in values]


def creation(key: str, value: tuple[str, ...]) -> Call:
    """A tuning job that is right but for one thing, which it says otherwise or not at all."""
    context = {name: said for name, said in {**RIGHT, key: value}.items() if said}
    return Call("sagemaker:CreateHyperParameterTuningJob", JOB, context)


def test_a_tuning_job_within_all_limits_is_allowed() -> None:
    launch = Principal(OWN, "LaunchRole")
    assert launch.may(Call("sagemaker:CreateHyperParameterTuningJob", JOB, RIGHT))
    assert launch.may(Call("sagemaker:StopHyperParameterTuningJob", JOB, OWNED))
    theirs = {
        "sagemaker:VolumeKmsKey": (f"{KEY}/theirs",),
        "sagemaker:OutputKmsKey": (f"{KEY}/theirs",),
        "sagemaker:VpcSubnets": ("subnet-theirs2",),
        "sagemaker:VpcSecurityGroupIds": ("sg-theirs",),
    }
    theirs["sagemaker:NetworkIsolation"] = ("false",)
    given = Principal(GIVEN, "LaunchRole")
    assert given.may(Call("sagemaker:CreateHyperParameterTuningJob", JOB, {**RIGHT, **theirs}))
    assert not given.may(Call("sagemaker:CreateHyperParameterTuningJob", JOB, RIGHT)), "with what another stack has made"
    role = {"iam:PassedToService": ("sagemaker.amazonaws.com",)}
    assert given.may(Call("iam:PassRole", iam("role/theirs"), role))
    assert given.may(Call("s3:PutObject", "arn:aws:s3:::theirs/tuning/x"))
    assert not given.may(Call("s3:PutObject", "arn:aws:s3:::theirs/x"))


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_tuning_job_beyond_a_limit_is_denied_to_whoever_has_the_boundary(key: str, value: tuple[str, ...]) -> None:
    launch = Principal(OWN, "LaunchRole")
    assert not launch.may(creation(key, value))
    everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    assert allowed(everything, Call("sagemaker:CreateHyperParameterTuningJob", JOB, RIGHT), launch.boundary)
    assert not allowed(everything, creation(key, value), launch.boundary), "an administrator's policy within the boundary"


def test_without_key_and_network_none_is_demanded() -> None:
    launch = Principal(Evaluated(BOOTSTRAP, REGION, Project="digits"), "LaunchRole")
    few = {name: value for name, value in RIGHT.items() if "Kms" not in name and "Vpc" not in name and "Isolation" not in name}
    assert launch.may(Call("sagemaker:CreateHyperParameterTuningJob", JOB, few))


@pytest.mark.parametrize("stack", [OWN, GIVEN, *BESIDE.values()], ids=["own", "given", "beside own", "beside given"])
def test_policies_are_as_short_as_iam_demands(stack: Evaluated) -> None:
    for name, made in stack.resources.items():
        if made["Type"] == "AWS::IAM::ManagedPolicy":
            text = str(made["Properties"]["PolicyDocument"]).replace(" ", "")
            assert len(text) < 6144, name


def test_templates_are_as_short_as_cloudformation_demands() -> None:
    for template in TEMPLATES.glob("*.yaml"):
        assert template.stat().st_size <= 51_200, template
