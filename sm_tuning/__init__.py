"""Describe a SageMaker tuning job once, check it offline, launch it in AWS or on the emulator, follow it, read its results."""

from sm_tuning.definition import Definition
from sm_tuning.diagnosis import Diagnosis, Verdict, diagnose
from sm_tuning.errors import Invalid, MissingExtra, NotFound, NotLaunched, SmTuningError, TookTooLong
from sm_tuning.learning_curve import LearningCurve
from sm_tuning.objective import Metric, Objective
from sm_tuning.parameters import (
    Auto,
    Categorical,
    Continuous,
    Integer,
    Scaling,
    batch_size,
    dropout,
    epochs,
    learning_rate,
    regularization,
)
from sm_tuning.problem import Problem
from sm_tuning.results import Results
from sm_tuning.rules import Report
from sm_tuning.run import FailureGroup, MetricCheck, RunStatus, Training, TuningRun
from sm_tuning.strategies import Bayesian, Grid, Hyperband, Random
from sm_tuning.training import (
    Channel,
    Completion,
    Dataset,
    Encryption,
    FileSystem,
    Instance,
    InstanceGroup,
    Network,
    Placement,
    Resources,
    Script,
    WarmStart,
    sklearn_image,
)
from sm_tuning.tuning_job import TuningJob, unique_name

__all__ = [
    "Auto",
    "Bayesian",
    "Categorical",
    "Channel",
    "Completion",
    "Continuous",
    "Dataset",
    "Definition",
    "Diagnosis",
    "Encryption",
    "FailureGroup",
    "FileSystem",
    "Grid",
    "Hyperband",
    "Instance",
    "InstanceGroup",
    "Integer",
    "Invalid",
    "LearningCurve",
    "Metric",
    "MetricCheck",
    "MissingExtra",
    "Network",
    "NotFound",
    "NotLaunched",
    "Objective",
    "Placement",
    "Problem",
    "Random",
    "Report",
    "Resources",
    "Results",
    "RunStatus",
    "Scaling",
    "Script",
    "SmTuningError",
    "TookTooLong",
    "Training",
    "TuningJob",
    "TuningRun",
    "Verdict",
    "WarmStart",
    "batch_size",
    "diagnose",
    "dropout",
    "epochs",
    "learning_rate",
    "regularization",
    "sklearn_image",
    "unique_name",
]
