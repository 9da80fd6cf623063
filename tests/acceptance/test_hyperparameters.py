"""Names and values of hyperparameters, all the way to a script: beside AWS's training toolkit, and through a running emulator."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from local_emulator.domain.errors import RunError
from local_emulator.runs import script_mode
from tests.acceptance.test_script_mode import TELL, TOOLKIT, by_us, comparable
from tests.conftest import IMAGE, ROLE, Server, source_archive, until

GROUP = {"instance_group_name": "homogeneousCluster", "instance_type": "ml.m5.large", "hosts": ["algo-1"]}
RESOURCES = {
    "current_host": "algo-1",
    "current_instance_type": "ml.m5.large",
    "current_group_name": "homogeneousCluster",
    "hosts": ["algo-1"],
    "instance_groups": [GROUP],
    "network_interface_name": "eth0",
}
CHANNELS = {"train": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}}
STRANGE_NAMES = [
    "a", "A", "b-c", "b.c", "b c", "-x", "--x", "x=y", "", "é", "ß", "\u0131", "'q'", '"', "x\ny", "$HOME", "model_dir", "None",
    "SM_HPS", "sagemaker", "SAGEMAKER_X", "sagemaker_x", "sagemaker_job_name", "sagemaker_region", "sagemaker_container_log_level",
    "sagemaker_s3_output", "sagemaker_mpi_enabled", "sagemaker_distribution_instance_groups", "default_user_module_name",
    "_tuning_objective_metric", "MP_PARAMETERS", "hp_x", "a" * 256,
]  # fmt: skip
STRANGE_VALUES = [
    "", "null", "true", "True", "NaN", "-Infinity", "1e400", "-0", "01", "1_000", "0x10", "1.0", "1e-7", " 1 ", "\ufeff1", "[]", "{}",
    '[1, "é", [null]]', '{"b": 1, "a": {"c": [true]}}', '""', '"\'"', '"a b \'c\'"', "'x'", '"', "\\", "a\nb", "\t", "\x1b[31m",
    '"\\u0000"', '"\\ud800"', '"\\udc80"', "x" * 2500, "é" * 2500, "`id`", "$(id)", "-v", "--", "a=b",
]  # fmt: skip

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
hyperparameters = st.dictionaries(
    st.sampled_from(STRANGE_NAMES) | text, st.sampled_from(STRANGE_VALUES) | text | documents.map(json.dumps), max_size=5
)
Oracle = Callable[[Mapping[str, str]], dict[str, Any]]


@contextmanager
def toolkit(resources: Mapping[str, Any]) -> Iterator[Oracle]:
    """The toolkit, asked in a process of its own."""
    if not (TOOLKIT / ".ready").exists():
        pytest.skip("the toolkit needs a C compiler: `make tools` as root, then `make .venv-toolkit/.ready`")
    config = json.dumps({"resourceconfig": resources, "inputdataconfig": CHANNELS})
    program = Path(__file__).with_name("programs") / "toolkit_environment.py"
    command = [str(TOOLKIT / "bin" / "python"), str(program), config]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asking, answering = process.stdin, process.stdout

        def ask(given: Mapping[str, str]) -> dict[str, Any]:
            asking.write(json.dumps(given) + "\n")
            asking.flush()
            answer: dict[str, Any] = json.loads(answering.readline())
            return answer

        yield ask
        asking.close()


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    """The toolkit on a single host."""
    with toolkit(RESOURCES) as ask:
        yield ask


def ours(given: Mapping[str, str], resources: Mapping[str, Any] = RESOURCES) -> dict[str, Any]:
    words = script_mode.arguments(script_mode.visible(given))
    host = script_mode.Machine(resources, CHANNELS, "/opt/ml", 0, "us-east-1")
    try:
        return {"arguments": list(words), "variables": script_mode.environment(host, "job", given, "train.py", words)}
    except RunError as error:
        return {"error": str(error)}


def facts(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with SM_TRAINING_ENV parsed: the order of its members means nothing. NaN is not equal to itself, so as text."""
    whole = json.loads(answer["variables"]["SM_TRAINING_ENV"])
    return {**answer, "variables": {**answer["variables"], "SM_TRAINING_ENV": json.dumps(whole, sort_keys=True)}}


@example(given_={"x": '{"b": 1, "a": 2}'})
@example(given_={"": "1", "a": "1", "A": "2", "sagemaker_container_log_level": "10"})
@example(given_={"x=y": "1"})
@example(given_={"x": '"\\u0000"'})
@example(given_={"x": '"\\ud800"'})
@example(given_={"sagemaker_mpi_enabled": "true"})
@example(given_={"sagemaker_region": "3"})
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_=hyperparameters)
def test_the_same_as_the_toolkit(given_: dict[str, str], oracle: Oracle) -> None:
    complete = dict(sorted({**given_, "sagemaker_program": '"train.py"', "sagemaker_submit_directory": '"s3://b/c"'}.items()))
    theirs, mine = oracle(complete), ours(complete)
    assert ("error" in mine) == ("error" in theirs), (mine, theirs)
    if "error" not in mine:
        assert facts(mine) == facts(theirs)


def test_several_hosts_are_told_as_the_toolkit_tells_them() -> None:
    groups = [
        {"instance_group_name": "a", "instance_type": "ml.m5.large", "hosts": ["algo-1"]},
        {"instance_group_name": "b", "instance_type": "ml.c5.large", "hosts": ["algo-2", "algo-3"]},
    ]
    of_b = {"current_host": "algo-2", "current_group_name": "b", "current_instance_type": "ml.c5.large"}
    resources = {**RESOURCES, **of_b, "hosts": ["algo-1", "algo-2", "algo-3"], "instance_groups": groups}
    script = {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": '"s3://b/c"'}
    cases = [
        {},
        {"sagemaker_torch_distributed_enabled": "true"},
        {"sagemaker_distribution_instance_groups": '["a"]', "sagemaker_mpi_enabled": "true"},
        {"sagemaker_distribution_instance_groups": '["b"]', "sagemaker_mpi_enabled": "true"},
    ]
    with toolkit(resources) as oracle:
        for case in cases:
            given_ = dict(sorted({**case, **script}.items()))
            assert facts(ours(given_, resources)) == facts(oracle(given_))


def test_what_no_process_can_be_given_is_said() -> None:
    cases = {
        "x=y": ("1", "illegal environment variable name 'SM_HP_X=Y': a hyperparameter's name cannot hold '='"),
        "nul": ('"\\u0000"', "embedded null byte in SM_HP_NUL"),
        "half": ('"\\ud800"', "SM_HP_HALF holds '\\ud800', which is no character"),
        "sagemaker_job_name": ("3", "sagemaker_job_name is '3'; it must be text"),
    }
    for name, (value, text_) in cases.items():
        assert text_ in ours({name: value})["error"]
    error = ours({f"h{number}": "x" * 2500 for number in range(60)})["error"]
    assert error.startswith("AlgorithmError: Framework Error: \n[Errno 7] Argument list too long: SM_HPS takes ")
    assert error.endswith(", exit code: 7")


def test_through_a_running_emulator(server: Server, oracle: Oracle) -> None:
    # A line's end is no character of a name or a value to the API.
    bad_alone = {"x=y", "x\ny", "sagemaker_region", "sagemaker_job_name", "sagemaker_distribution_instance_groups", ""}
    bad_alone.add("sagemaker_mpi_enabled")  # it asks for mpirun
    good_values = [value for value in STRANGE_VALUES if "\\u" not in value and "\n" not in value and len(value) < 2500]
    given_ = {name: good_values[index % len(good_values)] for index, name in enumerate(STRANGE_NAMES) if name not in bad_alone}
    ended = by_us(server, "strange", "train.py", {"train.py": TELL}, given_)
    assert ended.facts, ended.failure
    submitted = {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": '"s3://box/strange.tar.gz"'}
    theirs = oracle(dict(sorted({**given_, **submitted}.items())))
    assert ended.facts["argv"] == theirs["arguments"]
    variables = {name: value for name, value in ended.facts["env"].items() if name.startswith(("SM_HP", "SM_USER_ARGS"))}
    assert variables == {name: value for name, value in theirs["variables"].items() if name.startswith(("SM_HP", "SM_USER_ARGS"))}
    assert comparable(ended, "/opt/ml")["hyperparameters"] == json.loads(theirs["variables"]["SM_HPS"])
    long = by_us(server, "long", "train.py", {"train.py": TELL}, {f"h{number}": "x" * 2500 for number in range(60)})
    assert "[Errno 7] Argument list too long" in long.failure


def create(server: Server, name: str, given_: Mapping[str, str], **others: Any) -> str:
    """How a training job ends that has these hyperparameters: its FailureReason, empty if it has completed."""
    sagemaker = server.client("sagemaker")
    sagemaker.create_training_job(
        TrainingJobName=name,
        HyperParameters=dict(given_),
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": "s3://box/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 120},
        **others,
    )
    job = until(
        lambda: sagemaker.describe_training_job(TrainingJobName=name), so=lambda job: job["TrainingJobStatus"] != "InProgress"
    )
    return str(job.get("FailureReason", ""))


def test_where_a_source_may_lie(server: Server) -> None:
    """As for the toolkit: an archive in S3, a channel's folder, an archive in a channel; the entry point in the environment."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket="box")
    files = {"train.py": "import helper, os\nprint(os.getcwd())\n", "helper.py": ""}
    s3.put_object(Bucket="box", Key="packed/sourcedir.tar.gz", Body=source_archive(files))
    for name, content in files.items():
        s3.put_object(Bucket="box", Key=f"plain/{name}", Body=content.encode())
    channels = [
        {
            "ChannelName": name,
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://box/{name}/"}},
        }
        for name in ("packed", "plain")
    ]
    program = {"sagemaker_program": "train.py"}
    for number, directory in enumerate(
        ["s3://box/packed/sourcedir.tar.gz", "/opt/ml/input/data/plain", "/opt/ml/input/data/packed/sourcedir.tar.gz"]
    ):
        given_ = {**program, "sagemaker_submit_directory": directory}
        assert create(server, f"source-{number}", given_, InputDataConfig=channels) == ""
    alone = {"sagemaker_submit_directory": "s3://box/packed/sourcedir.tar.gz"}
    assert create(server, "variable", alone, Environment={"SAGEMAKER_PROGRAM": "train.py"}) == ""
    nowhere = {**program, "sagemaker_submit_directory": "/opt/ml/input/data/other"}
    reason = create(server, "nowhere", nowhere, InputDataConfig=channels)
    assert reason == "ClientError: sagemaker_submit_directory names /opt/ml/input/data/other, which no channel brings from S3."
    outside = create(server, "outside", {**alone, "sagemaker_program": "a b.py"})
    assert "The entry point 'a b.py' of sagemaker_program must be a path inside the source archive" in outside
