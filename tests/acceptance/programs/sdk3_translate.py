"""The same tuning job four ways: by the SDK's tuner, by a TuningJob made from it, by a TuningJob, by a tuner made from that."""

import json
from pathlib import Path
from typing import Any

import boto3
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter, IntegerParameter
from sagemaker.core.shapes import (
    CheckpointConfig,
    HyperbandStrategyConfig,
    HyperParameterTuningJobStrategyConfig,
    StoppingCondition,
)
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, SourceCode
from sagemaker.train.tuner import HyperparameterTuner

import sm_tuning as st

here = Path(__file__).parent
session = Session()
role = get_execution_role()
bucket = session.default_bucket()
client = boto3.client("sagemaker")
boto3.client("s3").put_object(Bucket=bucket, Key="data/part.csv", Body=b"1,2\n")


def described(name: str) -> dict[str, Any]:
    """What the service knows of a tuning job, but for what each launch makes anew."""
    job = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    config, definition = job["HyperParameterTuningJobConfig"], job["TrainingJobDefinition"]
    for ranges in config["ParameterRanges"].values():
        ranges.sort(key=lambda entry: entry["Name"])
        for entry in ranges:
            for end in ("MinValue", "MaxValue"):
                if end in entry:
                    entry[end] = float(entry[end])
    config["ParameterRanges"] = {kind: ranges for kind, ranges in config["ParameterRanges"].items() if ranges}
    definition["StaticHyperParameters"].pop("sagemaker_submit_directory")
    definition["InputDataConfig"] = [
        channel for channel in definition["InputDataConfig"] if channel["ChannelName"] != "sm_drivers"
    ]
    return {"config": config, "definition": definition}


def compare(name: str, ours: str, other: str) -> None:
    first, second = (json.loads(json.dumps(described(job), default=str)) for job in (ours, other))
    for part in first:
        names = sorted(set(first[part]) | set(second[part]))
        differ = [member for member in names if first[part].get(member) != second[part].get(member)]
        print(name, part, {member: (first[part].get(member), second[part].get(member)) for member in differ} or "same")


trainer = ModelTrainer(
    sagemaker_session=session,
    role=role,
    training_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0-cpu-py311",
    source_code=SourceCode(source_dir=str(here / "scripts"), entry_script="score.py"),
    compute=Compute(instance_type="ml.m5.xlarge", instance_count=1, volume_size_in_gb=20, enable_managed_spot_training=True),
    stopping_condition=StoppingCondition(max_runtime_in_seconds=600, max_wait_time_in_seconds=900),
    checkpoint_config=CheckpointConfig(s3_uri=f"s3://{bucket}/checkpoints"),
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/output", compression_type="GZIP"),
    input_data_config=[InputData(channel_name="train", data_source=f"s3://{bucket}/data/", content_type="text/csv")],
    environment={"MODE": "test"},
    hyperparameters={"seconds": 0.01},
    base_job_name="translate",
)
tuner = HyperparameterTuner(
    trainer,
    objective_metric_name="score",
    hyperparameter_ranges={
        "at": ContinuousParameter(0.1, 1.0, scaling_type="Logarithmic"),
        "more": IntegerParameter(1, 5),
        "kind": CategoricalParameter(["a", "b"]),
    },
    metric_definitions=[{"Name": "score", "Regex": "score=([-0-9.e]+)"}, {"Name": "loss", "Regex": "loss=([-0-9.e]+)"}],
    strategy="Hyperband",
    strategy_config=HyperParameterTuningJobStrategyConfig(
        hyperband_strategy_config=HyperbandStrategyConfig(min_resource=1, max_resource=9)
    ),
    max_jobs=4,
    max_parallel_jobs=2,
    max_runtime_in_seconds=3600,
    random_seed=7,
    tags=[{"Key": "team", "Value": "a"}],
)
inputs = [InputData(channel_name="train", data_source=f"s3://{bucket}/data/", content_type="text/csv")]
job = st.TuningJob.from_tuner(tuner, name="from-tuner", inputs=inputs)
print("problems", job.dry_run().problems)
tuner.tune(inputs=inputs, job_name="by-tuner", wait=True)
run = job.launch(boto3.Session())
run.wait()
print("run", run.status().status)
compare("from", "by-tuner", "from-tuner")
again = st.TuningJob.from_tuner(tuner, name="again", inputs=inputs)  # the SDK has left its own hyperparameters in it
print(
    "again",
    again.request()["TrainingJobDefinition"]["StaticHyperParameters"]
    == job.named("again").request()["TrainingJobDefinition"]["StaticHyperParameters"],
)

# And back, from a tuning job with a single script and other members.
mine = st.TuningJob(
    name="mine",
    role=role,
    output=f"s3://{bucket}/output",
    objective=st.Objective.maximize("score", "score=([-0-9.e]+)"),
    ranges=[st.Continuous("at", 0.1, 1.0)],
    strategy=st.Random(seed=3),
    max_jobs=4,
    max_parallel=2,
    completion=st.Completion(target=2.0),
    script=st.Script(str(here / "scripts" / "score.py")),
    hyperparameters={"seconds": 0.01},
    channels=[st.Channel("train", f"s3://{bucket}/data/", content_type="text/csv", input_mode="FastFile", shuffle_seed=1)],
    resources=st.Resources(max_runtime=600),
    environment={"MODE": "test"},
    max_retries=2,
)
mine.launch(boto3.Session()).wait()
theirs = mine.to_tuner(session)
theirs.tune(job_name="theirs", wait=True)
print("theirs", theirs.describe().hyper_parameter_tuning_job_status)
compare("back", "mine", "theirs")
values = [
    sorted(
        summary["TunedHyperParameters"]["at"]
        for summary in client.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)[
            "TrainingJobSummaries"
        ]
    )
    for name in ("mine", "theirs")
]
print("values", values[0] == values[1])

changes: dict[str, dict[str, Any]] = {
    "isolated": {"network": st.Network(isolated=True)},
    "local": {"channels": [st.Channel("train", str(here))]},
    "warm pool": {"resources": st.Resources(keep_alive=60)},
}
for name, change in changes.items():
    try:
        mine.changed(**change).to_tuner(session)
    except st.Invalid as error:
        print("refused", name, error)
trainer.source_code = SourceCode(source_dir=str(here / "scripts"), command="python score.py")
try:
    st.TuningJob.from_tuner(tuner)
except st.Invalid as error:
    print("refused command", error)
