"""Describe a SageMaker tuning job once, check it offline, launch it in AWS or on the emulator, follow it, read its results."""

from sm_tuning.analysis import Diagnosis, Verdict, diagnose
from sm_tuning.analysis.data_scaling import LearningCurve
from sm_tuning.analysis.results import Results
from sm_tuning.client.run import FailureGroup, MetricCheck, RunStatus, Training, TuningRun
from sm_tuning.errors import Invalid, MissingExtra, NotFound, NotLaunched, SmTuningError, TookTooLong
from sm_tuning.rules.violation import Problem
from sm_tuning.spec.definition import Definition
from sm_tuning.spec.metrics import Metric, Objective
from sm_tuning.spec.parameters import (
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
from sm_tuning.spec.strategies import Bayesian, Grid, Hyperband, Random
from sm_tuning.spec.training import (
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
from sm_tuning.validation.dry_run import Report

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
