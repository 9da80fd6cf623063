"""The operations on experiments and their trials."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from local_emulator.api import records
from local_emulator.api.context import Context
from local_emulator.api.paging import filters, page_of
from local_emulator.documents import experiments as documents
from local_emulator.documents import parse
from local_emulator.domain.errors import AwsError, ResourceNotFound, ValidationException
from local_emulator.domain.experiment import Experiment, Trial, TrialComponent
from local_emulator.domain.jobs import Document
from local_emulator.domain.names import EXPERIMENT, TRIAL, TRIAL_COMPONENT, Arn, AwsScope
from local_emulator.store.base import Query, Table

R = TypeVar("R", Experiment, Trial, TrialComponent)


# --- what trial components have in common with them ---------------------------------------------------------------------------


def taken(kind: str, name: str) -> AwsError:
    """The error that answers a request for a name that there is already; `kind` is `Experiment`, `Trial` or `Trial component`."""
    return ValidationException(
        f"{kind} names must be unique within an AWS account and region. {kind} with name ({name}) already exists."
    )


def selected(
    operation: str, table: Table[R], request: Document, scope: AwsScope, wanted: Callable[[R], bool] = lambda _: True
) -> Sequence[R]:
    """All records that a List operation is about, in the order that it asks for."""
    query = replace(filters(operation, request, scope, descending=True), limit=None, after=None)
    return [record for record in table.find(query).items if wanted(record)]


def change(context: Context, read: Callable[[], R], changed: Callable[[R], R]) -> R:
    """Change a record, now; the record as it is then."""

    def modified(stored: R) -> R:
        return replace(changed(stored), modified=max(context.now(), stored.modified))

    record, _ = records.change(context, read, modified)
    return record


def find_component(context: Context, request: Document, scope: AwsScope) -> TrialComponent:
    """The trial component that a request names; raises ResourceNotFound."""
    arn = scope.arn(TRIAL_COMPONENT, documents.name_in(request, "TrialComponent"))
    return _stored(context.store.components, "Trial component", arn)


def _stored(table: Table[R], kind: str, arn: Arn) -> R:
    """The record of an ARN; raises ResourceNotFound. `kind` is as in `taken`."""
    return records.get(table, arn, ResourceNotFound(f"{kind} '{arn}' does not exist."))


def update_record(context: Context, read: Callable[[], R], request: Document) -> R:
    """What every Update operation does: change a record by a request; the record as it is then."""
    record: R = change(context, read, lambda stored: documents.updated(stored, request))
    return record


# --- experiments ------------------------------------------------------------------------------------------------------------


def create(context: Context, request: Document, scope: AwsScope) -> Document:
    """CreateExperiment."""
    name, now = documents.name_in(request, "Experiment"), context.now()
    arn, tags = scope.arn(EXPERIMENT, name), parse.tags(request)
    experiment = Experiment(name=name, arn=arn, request=request, created=now, modified=now, tags=tags)
    records.add(context.store.experiments, experiment, taken("Experiment", name))
    return {"ExperimentArn": arn}


def find(context: Context, request: Document, scope: AwsScope) -> Experiment:
    """The experiment that a request names; raises ResourceNotFound."""
    arn = scope.arn(EXPERIMENT, documents.name_in(request, "Experiment"))
    return _stored(context.store.experiments, "Experiment", arn)


def describe(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribeExperiment."""
    return documents.described(find(context, request, scope), "Experiment")


def update(context: Context, request: Document, scope: AwsScope) -> Document:
    """UpdateExperiment."""
    changed = update_record(context, partial(find, context, request, scope), request)
    return {"ExperimentArn": changed.arn}


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListExperiments."""
    experiments = selected("ListExperiments", context.store.experiments, request, scope)
    summaries = [documents.summary(experiment, "Experiment") for experiment in experiments]
    return page_of("ListExperiments", request, "ExperimentSummaries", summaries)


def delete(context: Context, request: Document, scope: AwsScope) -> Document:
    """DeleteExperiment: one without trials."""
    read = partial(find, context, request, scope)
    with context.store.transaction():
        experiment = read()
        if any(trial.experiment == experiment.arn for trial in context.store.trials.find(Query(scope=scope)).items):
            raise ValidationException(f"The experiment {experiment.name} has trials. Delete them first.")
        records.delete(context, experiment, read)
    return {"ExperimentArn": experiment.arn}


# --- trials -----------------------------------------------------------------------------------------------------------------


def create_trial(context: Context, request: Document, scope: AwsScope) -> Document:
    """CreateTrial."""
    name, now = documents.name_in(request, "Trial"), context.now()
    arn, tags = scope.arn(TRIAL, name), parse.tags(request)
    with context.store.transaction():
        experiment = find(context, request, scope).arn
        trial = Trial(name=name, arn=arn, request=request, created=now, modified=now, tags=tags, experiment=experiment)
        records.add(context.store.trials, trial, taken("Trial", name))
    return {"TrialArn": arn}


def find_trial(context: Context, request: Document, scope: AwsScope) -> Trial:
    """The trial that a request names; raises ResourceNotFound."""
    arn = scope.arn(TRIAL, documents.name_in(request, "Trial"))
    return _stored(context.store.trials, "Trial", arn)


def describe_trial(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribeTrial."""
    return documents.described(find_trial(context, request, scope), "Trial")


def update_trial(context: Context, request: Document, scope: AwsScope) -> Document:
    """UpdateTrial."""
    changed = update_record(context, partial(find_trial, context, request, scope), request)
    return {"TrialArn": changed.arn}


def list_trials(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListTrials: all, those of an experiment, or those that a component is associated with."""
    store = context.store
    experiment = find(context, request, scope).arn if documents.is_of(request, "Experiment") else None
    component = find_component(context, request, scope) if documents.is_of(request, "TrialComponent") else None

    def wanted(trial: Trial) -> bool:
        return experiment in {None, trial.experiment} and (component is None or trial.arn in component.trials)

    trials = selected("ListTrials", store.trials, request, scope, wanted)
    return page_of("ListTrials", request, "TrialSummaries", [documents.summary(trial, "Trial") for trial in trials])


def delete_trial(context: Context, request: Document, scope: AwsScope) -> Document:
    """DeleteTrial: one without components."""
    read = partial(find_trial, context, request, scope)
    with context.store.transaction():
        trial = read()
        if any(trial.arn in component.trials for component in context.store.components.find(Query(scope=scope)).items):
            raise ValidationException(f"The trial {trial.name} has trial components. Disassociate them first.")
        records.delete(context, trial, read)
    return {"TrialArn": trial.arn}
