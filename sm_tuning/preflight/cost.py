"""What a tuning job costs at worst, in instance-hours and in money. Pure but for `price_list`."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from sm_tuning.spec.resources import Resources
from sm_tuning.spec.strategies import Grid
from sm_tuning.validation.dry_run import size

if TYPE_CHECKING:
    from sm_tuning.spec.job import TuningJobSpec

_HOUR = 3600
_PRICES_IN = "us-east-1"  # the price list of all regions is asked there


def number_of_jobs(job: "TuningJobSpec") -> int | None:
    """Number of training jobs; None if AWS chooses it."""
    if job.max_jobs is None and isinstance(job.strategy, Grid):
        return size(job)
    return job.max_jobs


def clusters(resources: Resources) -> Sequence[Mapping[str, int]]:
    """Every set of machines that one training job may run on, the first choice first: instance types and how many of each."""
    if resources.groups:
        together: dict[str, int] = {}
        for group in resources.groups:
            together[group.type] = together.get(group.type, 0) + group.count
        return [together]
    if resources.preferences:
        return [{one.type: one.count} for one in resources.preferences]
    return [{resources.instance_type: resources.instance_count}, *({one.type: one.count} for one in resources.alternatives)]


def instance_types(job: "TuningJobSpec") -> Sequence[str]:
    """Every instance type that a training job may run on."""
    return sorted({kind for _, part in job.parts() for cluster in clusters(part.resources) for kind in cluster})


def instance_hours(job: "TuningJobSpec") -> float | None:
    """Instance-hours that are never exceeded; None if nothing bounds them."""
    return _worst(job, lambda _kind: 1.0)


def money(job: "TuningJobSpec", prices: Mapping[str, float]) -> float | None:
    """The same at a price for an hour of each instance type, up to the next cent; None if nothing bounds it, or a price is missing."""
    known = all(kind in prices for kind in instance_types(job))
    worst = _worst(job, prices.__getitem__) if known else None
    return None if worst is None else math.ceil(round(worst * 100, 6)) / 100


def _worst(job: "TuningJobSpec", price: Callable[[str], float]) -> float | None:
    """The dearest training job, as often as there are training jobs: or all that fits into the tuning job's own time, if less.

    Retries add nothing: MaxRuntimeInSeconds bounds all attempts of a training job together. A spot training job is stopped after
    its MaxWaitTimeInSeconds, whatever it did until then. A warm pool may stay unused for its whole time after each training job.
    """
    count, limit = number_of_jobs(job), job.completion.max_runtime
    parts = [(part.resources, _dearest(part.resources, price)) for _, part in job.parts()]
    bounds = []
    if count is not None:
        bounds.append(count * max(per_hour * _seconds(resources) for resources, per_hour in parts))
    if limit is not None:
        bounds.append(limit * job.max_parallel * max(per_hour for _, per_hour in parts))
    warm = max(per_hour * (resources.keep_alive or 0) for resources, per_hour in parts)
    if not bounds or (count is None and warm):
        return None
    return (min(bounds) + warm * (count or 0)) / _HOUR


def _dearest(resources: Resources, price: Callable[[str], float]) -> float:
    """What an hour of the dearest set of machines costs."""
    return max(sum(count * price(kind) for kind, count in cluster.items()) for cluster in clusters(resources))


def _seconds(resources: Resources) -> int:
    return max(resources.max_runtime, resources.max_wait or 0) if resources.spot else resources.max_runtime


# --- AWS's price list -----------------------------------------------------------------------------------------------------


def price_list(session: Any, kinds: Iterable[str]) -> Mapping[str, float]:  # noqa: ANN401 - boto3 makes its classes at run time
    """US dollars for an hour of training on each instance type in the session's region, on demand; unknown types are left out.

    Raises:
        botocore.exceptions.ClientError: The caller may not ask (`pricing:GetProducts`).
    """
    from botocore.config import Config  # noqa: PLC0415 - costs are counted without botocore

    region = session.client("sagemaker").meta.region_name
    client = session.client("pricing", region_name=_PRICES_IN, config=Config(connect_timeout=5, read_timeout=20))

    def ask(kind: str) -> float | None:
        filters = {"instanceName": kind, "regionCode": region, "component": "Training"}
        pages = client.get_paginator("get_products").paginate(
            ServiceCode="AmazonSageMaker",
            Filters=[{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in filters.items()],
        )
        return max((price for page in pages for one in page["PriceList"] for price in _on_demand(json.loads(one))), default=None)

    wanted = list(kinds)
    with ThreadPoolExecutor(4) as pool:
        return {kind: price for kind, price in zip(wanted, pool.map(ask, wanted), strict=True) if price is not None}


def _on_demand(product: Mapping[str, Any]) -> Iterable[float]:
    """Prices of an hour in dollars; none for what is free."""
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            price = float(dimension.get("pricePerUnit", {}).get("USD", 0))
            if price > 0 and dimension.get("unit") in {"Hrs", "Hours", "hours"}:
                yield price
