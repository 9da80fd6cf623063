"""Table of the operations that the emulator implements; moto answers all others."""

import sys
import traceback
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial

from local_emulator.api import (
    endpoint_configs,
    endpoints,
    executions,
    experiments,
    models,
    pipelines,
    processing_jobs,
    registry,
    search,
    tags,
    training_jobs,
    transform_jobs,
    trial_components,
    tuning_jobs,
    validation,
)
from local_emulator.api.context import Context, ServingChecks
from local_emulator.api.wire import Answer, failure, parse, success
from local_emulator.domain.errors import (
    AwsError,
    InternalFailure,
    ResourceLimitExceeded,
    StoreUnavailable,
    ThrottlingException,
    UnknownOperationException,
)
from local_emulator.domain.functions import FindFunction
from local_emulator.domain.jobs import Document
from local_emulator.domain.names import AwsScope, parse_arn
from local_emulator.domain.processing import ProcessingSpec
from local_emulator.domain.spec import TrainingSpec
from local_emulator.settings import Settings
from local_emulator.store.base import Store

_TABLE: Mapping[str, Callable[[Context, Document, AwsScope], Document | None]] = {
    "CreateHyperParameterTuningJob": tuning_jobs.create,
    "DescribeHyperParameterTuningJob": tuning_jobs.describe,
    "ListHyperParameterTuningJobs": tuning_jobs.list_,
    "ListTrainingJobsForHyperParameterTuningJob": tuning_jobs.list_children,
    "StopHyperParameterTuningJob": tuning_jobs.stop,
    "DeleteHyperParameterTuningJob": tuning_jobs.delete,
    "CreateTrainingJob": training_jobs.create,
    "DescribeTrainingJob": training_jobs.describe,
    "ListTrainingJobs": training_jobs.list_,
    "StopTrainingJob": training_jobs.stop,
    "DeleteTrainingJob": training_jobs.delete,
    "UpdateTrainingJob": training_jobs.update,
    "CreateModelPackageGroup": registry.create_group,
    "DescribeModelPackageGroup": registry.describe_group,
    "ListModelPackageGroups": registry.list_groups,
    "DeleteModelPackageGroup": registry.delete_group,
    "CreateModelPackage": registry.create,
    "DescribeModelPackage": registry.describe,
    "BatchDescribeModelPackage": registry.batch_describe,
    "ListModelPackages": registry.list_,
    "UpdateModelPackage": registry.update,
    "DeleteModelPackage": registry.delete,
    "CreatePipeline": pipelines.create,
    "UpdatePipeline": pipelines.update,
    "DescribePipeline": pipelines.describe,
    "DeletePipeline": pipelines.delete,
    "ListPipelines": pipelines.list_,
    "StartPipelineExecution": executions.start,
    "StopPipelineExecution": executions.stop,
    "RetryPipelineExecution": executions.retry,
    "UpdatePipelineExecution": executions.update,
    "DescribePipelineExecution": executions.describe,
    "DescribePipelineDefinitionForExecution": executions.describe_definition,
    "ListPipelineExecutions": executions.list_,
    "ListPipelineExecutionSteps": executions.list_steps,
    "ListPipelineParametersForExecution": executions.list_parameters,
    "CreateModel": models.create,
    "DescribeModel": models.describe,
    "ListModels": models.list_,
    "DeleteModel": models.delete,
    "CreateEndpointConfig": endpoint_configs.create,
    "DescribeEndpointConfig": endpoint_configs.describe,
    "ListEndpointConfigs": endpoint_configs.list_,
    "DeleteEndpointConfig": endpoint_configs.delete,
    "CreateEndpoint": endpoints.create,
    "DescribeEndpoint": endpoints.describe,
    "ListEndpoints": endpoints.list_,
    "UpdateEndpoint": endpoints.update,
    "UpdateEndpointWeightsAndCapacities": endpoints.update_weights,
    "DeleteEndpoint": endpoints.delete,
    "CreateProcessingJob": processing_jobs.create,
    "DescribeProcessingJob": processing_jobs.describe,
    "ListProcessingJobs": processing_jobs.list_,
    "StopProcessingJob": processing_jobs.stop,
    "DeleteProcessingJob": processing_jobs.delete,
    "CreateTransformJob": transform_jobs.create,
    "DescribeTransformJob": transform_jobs.describe,
    "ListTransformJobs": transform_jobs.list_,
    "StopTransformJob": transform_jobs.stop,
    "AddTags": tags.add,
    "ListTags": tags.list_,
    "DeleteTags": tags.delete,
    "Search": search.search,
    "GetSearchSuggestions": search.suggestions,
    "CreateExperiment": experiments.create,
    "DescribeExperiment": experiments.describe,
    "UpdateExperiment": experiments.update,
    "ListExperiments": experiments.list_,
    "DeleteExperiment": experiments.delete,
    "CreateTrial": experiments.create_trial,
    "DescribeTrial": experiments.describe_trial,
    "UpdateTrial": experiments.update_trial,
    "ListTrials": experiments.list_trials,
    "DeleteTrial": experiments.delete_trial,
    "CreateTrialComponent": trial_components.create,
    "DescribeTrialComponent": trial_components.describe,
    "UpdateTrialComponent": trial_components.update,
    "ListTrialComponents": trial_components.list_,
    "DeleteTrialComponent": trial_components.delete,
    "AssociateTrialComponent": trial_components.associate,
    "DisassociateTrialComponent": trial_components.disassociate,
}


def _tags_ours(request: Document) -> bool:
    arn = request.get("ResourceArn")
    return not isinstance(arn, str) or parse_arn(arn) is not None


# Operations that also exist for resources of moto: whether a request is about our jobs.
_OURS_IF: Mapping[str, Callable[[Document], bool]] = {
    **dict.fromkeys(("AddTags", "ListTags", "DeleteTags"), _tags_ours),
    **dict.fromkeys(("Search", "GetSearchSuggestions"), search.ours),
}


def _no_objects(uri: str) -> bytes:
    raise ValueError(f"{uri} cannot be read: there is no object store")


class Api:
    """Answers SageMaker's operations on what runs here from the store. It never touches a run."""

    operations: Collection[str] = _TABLE.keys()

    def __init__(
        self,
        *,
        store: Store,
        settings: Settings,
        now: Callable[[], datetime],
        token: Callable[[], str],
        chance: Callable[[], float],
        notify: Callable[[], None],
        check: Callable[[TrainingSpec, str], None],
        check_processing: Callable[[ProcessingSpec], None],
        serving: ServingChecks,
        read: Callable[[str], bytes] = _no_objects,
        function: FindFunction = lambda _arn: None,
    ) -> None:
        self._chance = chance
        self._context = Context(
            store=store,
            settings=settings,
            now=now,
            token=token,
            notify=notify,
            check=check,
            serving=serving,
            read=read,
            operations=self.operations,
            check_processing=check_processing,
            function=function,
        )

    def owns(self, operation: str, body: bytes) -> bool:
        """Whether a request is about our jobs; moto answers requests about other resources."""
        if operation not in _OURS_IF:
            return operation in self.operations
        try:
            return _OURS_IF[operation](parse(body))
        except AwsError:
            return True  # invalid anyway, and our errors have AWS's form

    def interrupt(self, training: str) -> None:
        """Interrupt a managed spot training job, given by name or ARN; raises AwsError if it cannot be interrupted."""
        training_jobs.interrupt(self._context, training)

    def answer(self, operation: str, body: bytes, region: str, account: str | None = None) -> Answer:
        """Answer an operation in a region of an account (None: the settings' account); every failure is a modelled error."""
        if operation not in _TABLE:
            return failure(UnknownOperationException(f"{operation} is not an operation of this emulator."))
        return self._answer(body, region, account, partial(self.carry_out, operation))

    def put_metrics(self, body: bytes, region: str, account: str | None = None) -> Answer:
        """Answer BatchPutMetrics, which is of another API than the operations."""
        put = partial(trial_components.put_metrics, self._context)
        return self._answer(body, region, account, partial(self._guarded, "BatchPutMetrics", put))

    def _answer(
        self, body: bytes, region: str, account: str | None, carry_out: Callable[[Document, AwsScope], Document | None]
    ) -> Answer:
        try:
            scope = AwsScope(region=region, account=account or self._context.settings.account)
            return success(carry_out(parse(body), scope))
        except AwsError as error:
            return failure(error)

    def carry_out(self, operation: str, body: Document, scope: AwsScope) -> Document | None:
        """The answer of one of our operations, None for those that answer nothing; every failure is an AwsError."""
        return self._guarded(
            operation, lambda given, of: _TABLE[operation](self._context, validation.checked(operation, given), of), body, scope
        )

    def _guarded(
        self, operation: str, perform: Callable[[Document, AwsScope], Document | None], body: Document, scope: AwsScope
    ) -> Document | None:
        if self._chance() < self._context.settings.faults.throttle:
            raise ThrottlingException("Rate exceeded")
        try:
            return perform(body, scope)
        except AwsError:
            raise
        except StoreUnavailable as error:  # the engine logs it
            raise ResourceLimitExceeded(f"{operation} was not carried out: {error}") from error
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            raise InternalFailure(f"{operation} failed inside the emulator: {type(error).__name__}: {error}") from error
