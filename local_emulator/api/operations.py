"""Table of the operations that the emulator implements; moto answers all others."""

import sys
import traceback
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from local_emulator.api import search, tags, training_jobs, tuning_jobs, validation
from local_emulator.api.context import Context
from local_emulator.api.wire import Answer, failure, parse, success
from local_emulator.domain.errors import (
    AwsError,
    InternalFailure,
    ResourceLimitExceeded,
    StoreUnavailable,
    ThrottlingException,
    UnknownOperationException,
)
from local_emulator.domain.jobs import Document
from local_emulator.domain.names import AwsScope, parse_arn
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
    "AddTags": tags.add,
    "ListTags": tags.list_,
    "DeleteTags": tags.delete,
    "Search": search.search,
    "GetSearchSuggestions": search.suggestions,
    "ListTrialComponents": search.refuse_components,
}


def _tags_ours(request: Document) -> bool:
    arn = request.get("ResourceArn")
    return not isinstance(arn, str) or parse_arn(arn) is not None


# Operations that also exist for resources of moto: whether a request is about our jobs.
_OURS_IF: Mapping[str, Callable[[Document], bool]] = {
    **dict.fromkeys(("AddTags", "ListTags", "DeleteTags"), _tags_ours),
    **dict.fromkeys(("Search", "GetSearchSuggestions", "ListTrialComponents"), search.ours),
}


class Api:
    """Answers SageMaker's tuning and training operations from the store. It never touches a run."""

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
    ) -> None:
        self._chance = chance
        self._context = Context(store=store, settings=settings, now=now, token=token, notify=notify, check=check)

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
        if self._chance() < self._context.settings.faults.throttle:
            return failure(ThrottlingException("Rate exceeded"))
        try:
            request = validation.checked(operation, parse(body))
            scope = AwsScope(region=region, account=account or self._context.settings.account)
            return success(_TABLE[operation](self._context, request, scope))
        except AwsError as error:
            return failure(error)
        except StoreUnavailable as error:  # the engine logs it
            return failure(ResourceLimitExceeded(f"{operation} was not carried out: {error}"))
        except Exception as error:  # noqa: BLE001 - our own fault must reach the client as an error it understands
            traceback.print_exc(file=sys.stderr)
            return failure(InternalFailure(f"{operation} failed inside the emulator: {type(error).__name__}: {error}"))
