"""What commands ask with a session of boto3."""

from collections.abc import Iterable, Mapping

from botocore.exceptions import BotoCoreError, ClientError

from sm_tuning.boto import Session
from sm_tuning.client.run import TuningRun
from sm_tuning.client.summaries import tuning_jobs
from sm_tuning.errors import NotFound
from sm_tuning.preflight.prices import price_list
from sm_tuning.spec.data_scaling import without_scaling_jobs


def run_of(session: Session, name: str) -> TuningRun:
    """The tuning job whose name begins like this (if only one does), or the latest; raises NotFound."""
    client = session.client("sagemaker")
    try:
        return TuningRun.attach(name, session, client=client)
    except NotFound:
        names = without_scaling_jobs([job.name for job in tuning_jobs(client)])
        matches = names[:1] if name == "latest" else [known for known in names if known.startswith(name)]
        if len(matches) == 1:
            return TuningRun(matches[0], session=session, client=client)
        known = f"; there are {', '.join(names[:5])}" if names else "; there are none"
        raise NotFound(f"{len(matches) or 'no'} tuning jobs begin with {name!r}{known}") from None


def prices_of(session: Session, instance_types: Iterable[str]) -> Mapping[str, float]:
    """Dollars for an hour of each instance type by AWS's price list; none if it cannot be asked."""
    try:
        return price_list(session, instance_types)
    except (BotoCoreError, ClientError):
        return {}
