"""Describe a SageMaker tuning job once, check it offline, launch it in AWS or on the emulator, follow it, read its results."""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sm_tuning.analysis import Diagnosis, Verdict, diagnose
    from sm_tuning.client.deployment import Endpoint
    from sm_tuning.client.local_session import local_session
    from sm_tuning.client.run import TuningRun
    from sm_tuning.client.status import FailureGroup, MetricCheck, RunStatus, Training
    from sm_tuning.errors import Invalid, MissingExtra, NotFound, NotLaunched, NotServed, SmTuningError, Unreachable, WaitTimeout
    from sm_tuning.report.plots import Figure, Plots
    from sm_tuning.results import Results, read_data_scaling, read_proposals, read_results
    from sm_tuning.rules.violation import Violation
    from sm_tuning.spec.channels import Channel, Dataset, FileSystem
    from sm_tuning.spec.data_scaling import DataScaling
    from sm_tuning.spec.definition import Definition
    from sm_tuning.spec.images import sklearn_image
    from sm_tuning.spec.job import Completion, WarmStart, unique_name
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
    from sm_tuning.spec.resources import Instance, InstanceGroup, Placement, Resources
    from sm_tuning.spec.script import Script
    from sm_tuning.spec.security import Encryption, Network
    from sm_tuning.spec.strategies import Bayesian, Grid, Hyperband, Random
    from sm_tuning.tuning_job import TuningJob
    from sm_tuning.validation.dry_run import DryRun
    from sm_tuning.what_if import Simulation, replay, simulate

# The emulator imports `sm_tuning.rules`: that must not load the client with it.
_EXPORTS = {
    "analysis": "Diagnosis Verdict diagnose",
    "client.deployment": "Endpoint",
    "client.local_session": "local_session",
    "client.run": "TuningRun",
    "client.status": "FailureGroup MetricCheck RunStatus Training",
    "errors": "Invalid MissingExtra NotFound NotLaunched NotServed SmTuningError Unreachable WaitTimeout",
    "report.plots": "Figure Plots",
    "results": "Results read_data_scaling read_proposals read_results",
    "rules.violation": "Violation",
    "spec.data_scaling": "DataScaling",
    "spec.definition": "Definition",
    "spec.metrics": "Metric Objective",
    "spec.parameters": "Auto Categorical Continuous Integer Scaling batch_size dropout epochs learning_rate regularization",
    "spec.strategies": "Bayesian Grid Hyperband Random",
    "spec.channels": "Channel Dataset FileSystem",
    "spec.images": "sklearn_image",
    "spec.job": "Completion WarmStart unique_name",
    "spec.resources": "Instance InstanceGroup Placement Resources",
    "spec.script": "Script",
    "spec.security": "Encryption Network",
    "tuning_job": "TuningJob",
    "validation.dry_run": "DryRun",
    "what_if": "Simulation replay simulate",
}
_MODULES = {name: f"sm_tuning.{module}" for module, names in _EXPORTS.items() for name in names.split()}
_RENAMED = {"Report": "DryRun"}  # public names of 0.1

__all__ = [
    "Auto",
    "Bayesian",
    "Categorical",
    "Channel",
    "Completion",
    "Continuous",
    "DataScaling",
    "Dataset",
    "Definition",
    "Diagnosis",
    "DryRun",
    "Encryption",
    "Endpoint",
    "FailureGroup",
    "Figure",
    "FileSystem",
    "Grid",
    "Hyperband",
    "Instance",
    "InstanceGroup",
    "Integer",
    "Invalid",
    "Metric",
    "MetricCheck",
    "MissingExtra",
    "Network",
    "NotFound",
    "NotLaunched",
    "NotServed",
    "Objective",
    "Placement",
    "Plots",
    "Random",
    "Resources",
    "Results",
    "RunStatus",
    "Scaling",
    "Script",
    "Simulation",
    "SmTuningError",
    "Training",
    "TuningJob",
    "TuningRun",
    "Unreachable",
    "Verdict",
    "Violation",
    "WaitTimeout",
    "WarmStart",
    "batch_size",
    "diagnose",
    "dropout",
    "epochs",
    "learning_rate",
    "local_session",
    "read_data_scaling",
    "read_proposals",
    "read_results",
    "regularization",
    "replay",
    "simulate",
    "sklearn_image",
    "unique_name",
]


if not TYPE_CHECKING:  # else any name would pass the type checker

    def __getattr__(name: str) -> object:
        """A public name, whose module is imported when it is first asked for (PEP 562)."""
        if name in _RENAMED:
            warnings.warn(f"sm_tuning.{name} is sm_tuning.{_RENAMED[name]} now", DeprecationWarning, stacklevel=2)
            return __getattr__(_RENAMED[name])
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(_MODULES[name]), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return [*__all__]
