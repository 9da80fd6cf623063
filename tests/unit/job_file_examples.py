"""The tables of a job file in the order of their page, with an example of each key."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sm_tuning.spec.channels import Channel, Dataset, FileSystem
from sm_tuning.spec.data_scaling import DataScaling
from sm_tuning.spec.definition import Definition
from sm_tuning.spec.job import Completion, TuningJobSpec, WarmStart
from sm_tuning.spec.metrics import Metric, Objective
from sm_tuning.spec.resources import Instance, InstanceGroup, Placement, Resources
from sm_tuning.spec.script import Script
from sm_tuning.spec.security import Encryption, Network
from sm_tuning.spec.strategies import Bayesian, Grid, Hyperband, Random

_REGEX = r"'validation:accuracy=([-+0-9.eE]+)'"
_CHANNEL = {"name": 'name = "train"', "source": 'source = "data"'}
_ALTERNATIVE = "alternatives = [{ type = "
_PREFERENCE = "preferences = [{ type = "
_PLAN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/my-plan"
_GROUPS = 'groups = [{ name = "workers", type = "ml.m5.large", count = 2 }]'

BASE: Mapping[str, str] = {
    "name": 'name = "digits"',
    "script": 'script = "train.py"',
    "strategy": 'strategy = "Random"',
    "max_jobs": "max_jobs = 20",
    "objective": f'objective = {{ metric = "validation:accuracy", goal = "Maximize", regex = {_REGEX} }}',
    "ranges": "ranges = { learning_rate = {} }",
}
"""The other lines of the file in which an example stands, as far as it does not say them itself."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A table of a job file, or of what is inside one.

    Attributes:
        title: Its heading on the page.
        kinds: The dataclasses that it becomes.
        examples: Lines of a file, by the key that they show.
        text: What the page says of it.
        at: How a dry run names its keys.
        header: What opens it in the examples' files.
        required: Lines that those need beside an example.
        without: Keys that another table has.
    """

    title: str
    kinds: tuple[type, ...]
    examples: Mapping[str, str]
    text: str = ""
    at: str = ""
    header: str = ""
    required: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()


SECTIONS = (
    Section(
        title="The file",
        kinds=(TuningJobSpec, Definition),
        text="Keys at the head of the file, before any table. Those from `objective` on are of its only definition. `role` and "
        "`output` may be left out on the emulator, which has its own, and with `--stack`, whose they are then.",
        examples={
            "name": 'name = "digits"',
            "role": 'role = "arn:aws:iam::123456789012:role/SageMakerRole"',
            "output": 'output = "s3://my-bucket/digits"',
            "strategy": 'strategy = "Bayesian"',
            "definitions": "see [definitions](#definitions)",
            "max_jobs": "max_jobs = 20",
            "max_parallel": "max_parallel = 2",
            "completion": "completion = { target = 0.98 }",
            "warm_start": 'warm_start = { parents = ["digits-1"] }',
            "autotune": "autotune = true",
            "tags": 'tags = { team = "vision" }',
            "objective": BASE["objective"],
            "ranges": "ranges = { learning_rate = {}, layers = { low = 1, high = 4 } }",
            "script": 'script = "train.py"',
            "metrics": "metrics = [{ name = \"train:loss\", regex = 'train:loss=([-+0-9.eE]+)' }]",
            "hyperparameters": "hyperparameters = { width = 64 }",
            "channels": 'channels = [{ name = "train", source = "data" }]',
            "input_mode": 'input_mode = "FastFile"',
            "resources": 'resources = { instance_type = "ml.m5.xlarge" }',
            "image": 'image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/digits:1"',
            "algorithm": 'algorithm = "my-algorithm"',
            "region": 'region = "eu-west-1"',
            "environment": 'environment = { OMP_NUM_THREADS = "2" }',
            "output_compression": 'output_compression = "NONE"',
            "network": "network = { isolated = true }",
            "encryption": 'encryption = { output_key = "alias/models" }',
            "max_retries": "max_retries = 2",
        },
    ),
    Section(
        title="objective",
        kinds=(Metric, Objective),
        text="The metric's name is `metric` here.",
        at="objective.",
        header="[objective]",
        required={"metric": 'metric = "validation:accuracy"', "goal": 'goal = "Maximize"', "regex": f"regex = {_REGEX}"},
        examples={
            "metric": 'metric = "validation:accuracy"',
            "goal": 'goal = "Maximize"',
            "regex": f"regex = {_REGEX}",
            "sample": 'sample = "epoch=3 validation:accuracy=0.91"',
        },
    ),
    Section(
        title="metrics",
        kinds=(Metric,),
        text="A list of tables, `[[metrics]]`: further metrics to record.",
        at="metrics.train:loss.",
        header="[[metrics]]",
        required={"name": 'name = "train:loss"', "regex": "regex = 'train:loss=([-+0-9.eE]+)'"},
        examples={
            "name": 'name = "train:loss"',
            "regex": "regex = 'train:loss=([-+0-9.eE]+)'",
            "sample": 'sample = "epoch=3 train:loss=0.31"',
        },
    ),
    Section(
        title="strategy",
        kinds=(Grid, Random, Bayesian, Hyperband),
        text="A name, `Grid`, `Random`, `Bayesian` or `Hyperband`; or a table of the name and the settings that this strategy has.",
        at="strategy.",
        examples={
            "early_stopping": 'strategy = { name = "Bayesian", early_stopping = true }',
            "seed": 'strategy = { name = "Random", seed = 7 }',
            "max_resource": 'strategy = { name = "Hyperband", max_resource = 27 }',
            "min_resource": 'strategy = { name = "Hyperband", min_resource = 3, max_resource = 27 }',
        },
    ),
    Section(
        title="completion",
        kinds=(Completion,),
        at="completion.",
        header="[completion]",
        examples={
            "target": "target = 0.98",
            "not_improving": "not_improving = 10",
            "on_convergence": "on_convergence = true",
            "max_runtime": "max_runtime = 7200",
        },
    ),
    Section(
        title="warm_start",
        kinds=(WarmStart,),
        at="warm_start.",
        header="[warm_start]",
        required={"parents": 'parents = ["digits-1"]'},
        examples={"parents": 'parents = ["digits-1", "digits-2"]', "type": 'type = "TransferLearning"'},
    ),
    Section(
        title="script",
        kinds=(Script,),
        text="A path, or a table:",
        examples={"entry": 'script = { entry = "train.py" }', "source": 'script = { entry = "train.py", source = "folder" }'},
    ),
    Section(
        title="channels",
        kinds=(Channel,),
        text="A list of tables, `[[channels]]`.",
        at="channels.train.",
        header="[[channels]]",
        required=_CHANNEL,
        examples={
            "name": 'name = "train"',
            "source": 'source = "s3://my-bucket/data/"',
            "content_type": 'content_type = "text/csv"',
            "input_mode": 'input_mode = "FastFile"',
            "distribution": 'distribution = "ShardedByS3Key"',
            "data_type": 'data_type = "ManifestFile"',
            "compression": 'input_mode = "Pipe"\ncompression = "Gzip"',
            "record_wrapper": 'input_mode = "Pipe"\nrecord_wrapper = "RecordIO"',
            "shuffle_seed": "shuffle_seed = 7",
            "attributes": 'input_mode = "Pipe"\ndata_type = "AugmentedManifestFile"\nattributes = ["source-ref", "class"]',
            "groups": 'groups = ["workers"]',
            "accept_eula": "accept_eula = true",
            "hub_content": 'hub_content = "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/example/1.0.0"',
        },
    ),
    Section(
        title="source of a file system",
        kinds=(FileSystem,),
        text="A channel's `source` may be a folder of a file system, as a table:",
        at="channels.train.source.",
        header="[[channels]]",
        required=_CHANNEL,
        examples={
            "id": 'source = { id = "fs-0123456789abcdef0", path = "/data" }',
            "path": 'source = { id = "fs-0123456789abcdef0", path = "/data" }',
            "kind": 'source = { id = "fs-0123456789abcdef0", path = "/fsx", kind = "FSxLustre" }',
            "access": 'source = { id = "fs-0123456789abcdef0", path = "/data", access = "rw" }',
        },
    ),
    Section(
        title="source of a hub's dataset",
        kinds=(Dataset,),
        text="Or a dataset of a SageMaker hub:",
        at="channels.train.source.",
        header="[[channels]]",
        required=_CHANNEL,
        examples={
            "arn": 'source = { arn = "arn:aws:sagemaker:us-east-1:123456789012:hub-content/my-hub/DataSet/digits/1.0.0" }',
        },
    ),
    Section(
        title="resources",
        kinds=(Resources,),
        at="resources.",
        header="[resources]",
        examples={
            "instance_type": 'instance_type = "ml.m5.xlarge"',
            "instance_count": "instance_count = 2",
            "volume_gb": "volume_gb = 50",
            "max_runtime": "max_runtime = 600",
            "max_pending": "max_pending = 7200",
            "spot": "spot = true",
            "max_wait": "spot = true\nmax_wait = 7200",
            "checkpoints": 'checkpoints = "s3://my-bucket/checkpoints"',
            "checkpoint_path": 'checkpoints = "s3://my-bucket/checkpoints"\ncheckpoint_path = "/opt/ml/checkpoints"',
            "keep_alive": "keep_alive = 600",
            "alternatives": f'{_ALTERNATIVE}"ml.c5.xlarge" }}]',
            "groups": _GROUPS,
            "training_plan": f'training_plan = "{_PLAN}"',
            "placement": 'placement = { servers = { "us-0123456789abcdef0" = 1 } }',
            "preferences": f'{_PREFERENCE}"ml.m5.large" }}, {{ type = "ml.m5.xlarge" }}]',
        },
    ),
    Section(
        title="alternatives of resources",
        kinds=(Instance,),
        text="A list of tables.",
        at="resources.alternatives[].",
        header="[resources]",
        examples={
            "type": f'{_ALTERNATIVE}"ml.c5.xlarge" }}]',
            "count": f'{_ALTERNATIVE}"ml.c5.xlarge", count = 2 }}]',
            "volume_gb": f'{_ALTERNATIVE}"ml.c5.xlarge", volume_gb = 50 }}]',
        },
        without=frozenset({"training_plans"}),
    ),
    Section(
        title="preferences of resources",
        kinds=(Instance,),
        text="A list of tables.",
        at="resources.preferences[].",
        header="[resources]",
        examples={
            "type": f'{_PREFERENCE}"ml.m5.large" }}]',
            "count": f'{_PREFERENCE}"ml.m5.large", count = 2 }}]',
            "training_plans": f'{_PREFERENCE}"ml.m5.large", training_plans = ["{_PLAN}"] }}]',
        },
        without=frozenset({"volume_gb"}),
    ),
    Section(
        title="groups of resources",
        kinds=(InstanceGroup,),
        text="A list of tables.",
        at="resources.groups.workers.",
        header="[resources]",
        examples={"name": _GROUPS, "type": _GROUPS, "count": _GROUPS},
    ),
    Section(
        title="placement of resources",
        kinds=(Placement,),
        at="resources.placement.",
        header="[resources.placement]",
        required={"servers": 'servers = { "us-0123456789abcdef0" = 1 }'},
        examples={"servers": 'servers = { "us-0123456789abcdef0" = 1 }', "several_jobs": "several_jobs = true"},
    ),
    Section(
        title="network",
        kinds=(Network,),
        at="network.",
        header="[network]",
        examples={
            "subnets": 'subnets = ["subnet-0123456789abcdef0"]\nsecurity_groups = ["sg-0123456789abcdef0"]',
            "security_groups": 'subnets = ["subnet-0123456789abcdef0"]\nsecurity_groups = ["sg-0123456789abcdef0"]',
            "isolated": "isolated = true",
            "encrypted": "encrypted = true",
        },
    ),
    Section(
        title="encryption",
        kinds=(Encryption,),
        at="encryption.",
        header="[encryption]",
        examples={"output_key": 'output_key = "alias/models"', "volume_key": 'volume_key = "alias/volumes"'},
    ),
    Section(
        title="definitions",
        kinds=(Definition,),
        text="A list of tables, `[[definitions]]`, each with the keys of [the file](#the-file) from `objective` on, and these:",
        at="definitions.forest.",
        header="[[definitions]]",
        required={**{key: BASE[key] for key in ("script", "objective", "ranges")}, "name": 'name = "forest"'},
        without=frozenset(Definition.__dataclass_fields__) - {"name", "role", "output"},
        examples={
            "name": 'name = "forest"',
            "role": 'role = "arn:aws:iam::123456789012:role/Forest"',
            "output": 'output = "s3://my-bucket/forest"',
        },
    ),
    Section(
        title="data_scaling",
        kinds=(DataScaling,),
        text="What `sm-tuning run --data-scaling` trains afterwards. It is no part of the tuning job.",
        header="[data_scaling]",
        examples={"hyperparameter": 'hyperparameter = "data_share"', "shares": "shares = [0.25, 0.5, 1.0]"},
    ),
)

RANGES = """A table of tables: what each hyperparameter may be. A list is short for `values`; `{}` takes the preset of the
hyperparameter's name. Two whole ends make a range of whole numbers, unless `integer = false`. `scaling` is `Auto`, `Linear`,
`Logarithmic` or `ReverseLogarithmic`. [Hyperparameters](python_search.md) has the rules of each."""
FORM_EXAMPLES = {
    "preset": 'ranges = { learning_rate = {}, rate = { preset = "learning_rate", high = 0.01 } }',
    "auto": "autotune = true\nranges = { momentum = { auto = 0.9 } }",
    "values": 'ranges = { optimizer = ["adam", "sgd"], width = { values = [32, 64] }, dropout = {} }',
    "low and high": 'ranges = { momentum = { low = 0.5, high = 0.99, scaling = "Logarithmic" }, layers = { low = 1, high = 4 } }',
}
"""Lines of a file, for each form of a range."""
