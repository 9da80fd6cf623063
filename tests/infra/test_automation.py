"""What goes on unasked: a pipeline that schedule and arriving data start, and telling how tuning jobs went that have ended."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.conftest import Server, until
from tests.infra.conftest import AUTOMATION, JOB, REGION, SUBJECT, Command, Said, bootstrap, of, script, tuning
from tests.infra.templates import Evaluated, Principal

pytestmark = pytest.mark.slow(11)

UNASKED = {"PromoteSubjects": f"{SUBJECT}-promote", "Triggers": "true"}
NIGHTLY = JOB.replace("small", "nightly")


# S3's operations by the rights that they need.
OBJECTS = {"HeadObject": {"s3:GetObject"}, "CopyObject": {"s3:GetObject", "s3:PutObject"}}


@pytest.fixture
def rights(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The rights that commands need, as they ask."""
    needed: set[str] = set()

    def note(model: Any, **_others: Any) -> None:
        needed.update(OBJECTS.get(model.name, {f"{model.service_model.signing_name}:{model.name}"}))

    class Session(boto3.Session):
        def __init__(self, **chosen: Any) -> None:
            super().__init__(**chosen)
            self.events.register("provide-client-params.*.*", note)

    monkeypatch.setattr(boto3, "Session", Session)
    return needed


def at(infra: Command, *words: str, code: int = 0) -> Said:
    said = infra(*words)
    assert said.code == code, said.err
    return said


@pytest.fixture
def job(tmp_path: Path) -> str:
    path = tmp_path / "job.toml"
    path.write_text(NIGHTLY)
    return str(path)


def test_a_pipeline_launches_and_what_came_of_it_is_told(
    served: Server, infra: Command, job: str, tmp_path: Path, rights: set[str]
) -> None:
    at(infra, *bootstrap("own-u"))
    outputs = at(infra, *tuning("own-u")).outputs
    refused = at(infra, "pipeline", job, "--image", "0123abc", *of("own-u"), code=1)
    assert "an administrator gives Triggers=true to `infra bootstrap`" in refused.err
    refused = at(infra, *tuning("own-u", Schedule="rate(7 days)"), code=1)
    assert "Schedule and DataKey need the bootstrap stack's Triggers=true" in refused.err

    unasked = at(infra, *bootstrap("own-u", **UNASKED))
    assert "+ AWS::IAM::Role                   PromoteRole" in unasked.err
    at(infra, *tuning("own-u", Schedule="rate(7 days)", DataKey="data/*/_SUCCESS"))
    schedule = served.client("scheduler").get_schedule(Name="own-u-production")
    assert schedule["ScheduleExpression"] == "rate(7 days)"
    assert schedule["Target"]["RoleArn"].endswith("role/own-u-production-us-east-1-trigger")
    (target,) = served.client("events").list_targets_by_rule(Rule="own-u-production-data-arrived")["Targets"]
    assert target["Arn"] == schedule["Target"]["Arn"]
    served.client("s3").put_object(
        Bucket=outputs["BucketName"], Key="data/1/_SUCCESS", Body=b""
    )  # no event starts a pipeline here

    made = at(infra, "pipeline", job, "--image", "0123abc", "--max-cost", "5", "--price-per-hour", "0.1", *of("own-u"))
    assert made.outputs["pipeline"] == target["Arn"]
    assert at(infra, "pipeline", job, "--image", "0123abd", *of("own-u")).outputs == made.outputs, "it is replaced"
    sagemaker = served.client("sagemaker")
    execution = sagemaker.start_pipeline_execution(PipelineName="own-u-production")["PipelineExecutionArn"]

    def answer() -> Any:
        described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
        return described if described["PipelineExecutionStatus"] not in {"Executing", "Stopping"} else None

    assert until(answer)["PipelineExecutionStatus"] == "Succeeded"

    rights.clear()
    followed = json.loads(at(infra, "follow-up", *of("own-u"), "--promote", "--output", str(tmp_path / "reports"), "--json").out)
    assert [job["status"] for job in followed] == ["Completed"]
    assert rights >= {"sagemaker:CreateModelPackage", "s3:PutObject", "sns:Publish", "sqs:DeleteMessage", "logs:GetLogEvents"}
    parameters = {"Project": "own-u", "PromoteSubjects": SUBJECT}
    assert rights <= Principal(Evaluated(AUTOMATION, REGION, **parameters), "PromoteRole").actions
    assert "verdict: " in followed[0]["text"]
    assert followed[0]["promotion"] == "promoted: the group has no version yet"
    assert Path(followed[0]["report"]).stat().st_size > 1000
    launched = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=followed[0]["tuning_job"])
    tags = sagemaker.list_tags(ResourceArn=launched["HyperParameterTuningJobArn"])["Tags"]
    assert {"Key": "Project", "Value": "own-u"} in tags, "by which IAM knows it"

    gone = at(infra, "teardown", *of("own-u"), "--yes")
    assert "left, if it was made: the model package group own-u-production with its versions" in gone.err
    assert "left, if it was made: the pipeline own-u-production (aws sagemaker delete-pipeline --pipeline-name own-" in gone.err
    assert sagemaker.describe_pipeline(PipelineName="own-u-production"), "it is left"
    assert sagemaker.describe_model_package_group(ModelPackageGroupName="own-u-production"), "it is left"
    assert served.client("scheduler").list_schedules(NamePrefix="own-u")["Schedules"] == []
    at(infra, "teardown", "--bootstrap", *of("own-u"), "--yes")
    assert not [role for role in served.client("iam").list_roles()["Roles"] if role["RoleName"].startswith("own-u")]


def test_what_lies_on_this_machine_is_no_pipelines(infra: Command, tmp_path: Path) -> None:
    at(infra, *bootstrap("own-v", Triggers="true"))
    at(infra, *tuning("own-v"))
    path = tmp_path / "job.toml"
    path.write_text(NIGHTLY.replace('name = "nightly"', f'name = "nightly"\nscript = "{script(tmp_path)}"'))
    refused = at(infra, "pipeline", str(path), *of("own-v"), code=2)
    assert "script of nightly lies on this machine; what a pipeline launches must be in the image and in S3" in refused.err
    shown = at(infra, "bootstrap", *of("own-v"), "Triggers=false", "--only-show")
    assert "own-v-production-automation: would be deleted" in shown.err
    gone = at(infra, "bootstrap", *of("own-v"), "Triggers=false")
    assert "own-v-production-automation: deleted" in gone.err
