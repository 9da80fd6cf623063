"""A tuning job is compared with its parents before it is launched, as the service compares it."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_emulator.settings import Quotas, Settings
from local_emulator.testing import emulated_sagemaker
from sm_tuning import (
    Categorical,
    Channel,
    Continuous,
    NotLaunched,
    Objective,
    WarmStart,
)
from tests.unit.sm_tuning.descriptions import Make

CHILD: dict[str, dict[str, Any]] = {
    "": {},
    "warm-start-names": {"hyperparameters": {"width": 1, "depth": 1}},
    "warm-start-types": {"ranges": [Categorical("learning_rate", [0.1, 0.2, 0.3])]},
    "warm-start-objective": {"objective": Objective.maximize("score", r"score=([-+0-9.eE]+)")},
    "warm-start-fields": {"environment": {"A": "b"}},
    "warm-start-image": {"image": "1.dkr.ecr.us-east-1.amazonaws.com/x:1"},
    "warm-start-jobs": {"max_jobs": 9999},
    "warm-start-changes": {
        "ranges": [Continuous("width", 0, 9)],
        "hyperparameters": {f"s{n}": n + 1 for n in range(10)} | {"learning_rate": 1},
    },
}


def test_parents_are_compared(job: Make) -> None:
    """With a client the dry run finds of the parents what the service finds, by the same name, and launch sends nothing."""
    with emulated_sagemaker(Settings(quotas=Quotas(random_training_jobs=10_000))):
        boto3.client("s3").create_bucket(Bucket="bucket")
        boto3.client("s3").put_object(Bucket="bucket", Key="data/a", Body=b"1")
        common: dict[str, Any] = {"channels": [Channel("train", "s3://bucket/data/")], "hyperparameters": {"width": 0}}
        few, many = (
            job(name="few", **common),
            job(name="many", **{**common, "hyperparameters": {"width": 0} | {f"s{n}": n for n in range(10)}}),
        )
        for parent in (few, many):
            parent.launch().wait(poll=0.05, timeout=60)
        client = boto3.client("sagemaker")
        for rule, changes in CHILD.items():
            of = "many" if rule == "warm-start-changes" else "few"
            child = job(name="child", warm_start=WarmStart.identical(of), **{**common, **changes})
            report = child.dry_run(client)
            assert {problem.rule for problem in report.problems} == ({rule} if rule else set()), f"{rule}: {report}"
            if rule:
                with pytest.raises(ClientError) as refused:
                    client.create_hyper_parameter_tuning_job(**report.request)
                headers = refused.value.response["ResponseMetadata"]["HTTPHeaders"]
                assert headers["x-sm-emulator-rules"] == rule
                with pytest.raises(NotLaunched, match=rule):
                    child.launch()
        assert child.dry_run().ok  # without a client nobody asks the parents
        run = job(name="child", warm_start=WarmStart.identical("few"), **common).launch()
        assert run.wait(poll=0.05, timeout=60).status == "Completed"
        with pytest.raises(NotLaunched, match="none"):
            job(name="orphan", warm_start=WarmStart.transfer("none"), **common).launch()
        elsewhere = job(
            name="child-2",
            warm_start=WarmStart.identical("few"),
            **{**common, "channels": [Channel("train", "s3://bucket/data")]},
        )
        report = elsewhere.dry_run(client)
        assert report.ok
        assert any("the channels train are not those of the parent few" in warning for warning in report.warnings), (
            report.warnings
        )
        assert elsewhere.launch().wait(poll=0.05, timeout=60).status == "Completed"
