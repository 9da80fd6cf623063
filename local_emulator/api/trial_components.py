"""The operations on trial components, and the metrics that programs report to them."""

from dataclasses import replace
from functools import partial

from local_emulator.api import records
from local_emulator.api.context import Context
from local_emulator.api.experiments import change, find, find_component, find_trial, selected, taken, update_record
from local_emulator.api.paging import page_of
from local_emulator.documents import experiments as documents
from local_emulator.documents import parse
from local_emulator.domain.errors import ResourceNotFound, ValidationException
from local_emulator.domain.experiment import TrialComponent
from local_emulator.domain.jobs import Document
from local_emulator.domain.names import TRIAL_COMPONENT, AwsScope
from local_emulator.store.base import Query

METRICS = "/BatchPutMetrics"
"""Path of the only operation here of SageMaker Metrics, an API of its own."""

NOT_OF_JOBS = (
    "The trial components that SageMaker makes of jobs are not emulated: there are those alone that CreateTrialComponent has made. "
    "Search for the Resource TrainingJob instead."
)
"""Why a request about the source of components is refused."""


def create(context: Context, request: Document, scope: AwsScope) -> Document:
    """CreateTrialComponent."""
    name, now = documents.name_in(request, "TrialComponent"), context.now()
    arn, tags = scope.arn(TRIAL_COMPONENT, name), parse.tags(request)
    component = TrialComponent(name=name, arn=arn, request=request, created=now, modified=now, tags=tags)
    records.add(context.store.components, component, taken("Trial component", name))
    return {"TrialComponentArn": arn}


def describe(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribeTrialComponent."""
    return documents.described_component(find_component(context, request, scope))


def update(context: Context, request: Document, scope: AwsScope) -> Document:
    """UpdateTrialComponent."""
    changed = update_record(context, partial(find_component, context, request, scope), request)
    return {"TrialComponentArn": changed.arn}


def delete(context: Context, request: Document, scope: AwsScope) -> Document:
    """DeleteTrialComponent: one that is associated with no trial."""
    read = partial(find_component, context, request, scope)
    with context.store.transaction():
        component = read()
        if component.trials:
            raise ValidationException(f"The trial component {component.name} is associated with trials. Disassociate it first.")
        records.delete(context, component, read)
    return {"TrialComponentArn": component.arn}


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListTrialComponents: all, or those of a trial or an experiment."""
    if "SourceArn" in request:
        raise ValidationException(NOT_OF_JOBS)
    trials = None
    if documents.is_of(request, "Trial"):
        trials = {find_trial(context, request, scope).arn}
    elif documents.is_of(request, "Experiment"):
        experiment = find(context, request, scope).arn
        trials = {trial.arn for trial in context.store.trials.find(Query(scope=scope)).items if trial.experiment == experiment}

    def wanted(component: TrialComponent) -> bool:
        return trials is None or not trials.isdisjoint(component.trials)

    components = selected("ListTrialComponents", context.store.components, request, scope, wanted)
    summaries = [documents.summary(component, "TrialComponent") for component in components]
    return page_of("ListTrialComponents", request, "TrialComponentSummaries", summaries)


def associate(context: Context, request: Document, scope: AwsScope) -> Document:
    """AssociateTrialComponent; a second time it changes nothing."""
    read = partial(find_component, context, request, scope)
    with context.store.transaction():
        trial = find_trial(context, request, scope).arn
        component = change(context, read, lambda stored: replace(stored, trials=tuple(dict.fromkeys([*stored.trials, trial]))))
    return {"TrialComponentArn": component.arn, "TrialArn": trial}


def disassociate(context: Context, request: Document, scope: AwsScope) -> Document:
    """DisassociateTrialComponent."""
    trial = find_trial(context, request, scope).arn
    read = partial(find_component, context, request, scope)
    component = change(context, read, lambda stored: replace(stored, trials=tuple(arn for arn in stored.trials if arn != trial)))
    return {"TrialComponentArn": component.arn, "TrialArn": trial}


# --- SageMaker Metrics --------------------------------------------------------------------------------------------------------


def put_metrics(context: Context, request: Document, scope: AwsScope) -> Document:
    """BatchPutMetrics: its answer names the values that were not taken."""
    try:
        values = documents.metric_values(request)
    except ValueError as error:
        raise ValidationException(str(error)) from error
    wrong = [index for index, value in enumerate(values) if value is None]
    read = partial(find_component, context, request, scope)
    try:
        change(context, read, lambda stored: stored.with_values([value for value in values if value is not None]))
    except ResourceNotFound:
        wrong = list(range(len(values)))
    return {"Errors": [{"Code": "VALIDATION_ERROR", "MetricIndex": index} for index in wrong]}
