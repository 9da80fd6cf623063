"""AWS's price list."""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.config import Config

from sm_tuning.boto import Session

_PRICES_IN = "us-east-1"  # the price list of all regions is asked there


def price_list(session: Session, kinds: Iterable[str]) -> Mapping[str, float]:
    """US dollars for an hour of training on each instance type in the session's region, on demand; unknown types are left out.

    Raises:
        botocore.exceptions.ClientError: The caller may not ask (`pricing:GetProducts`).
    """
    region = session.client("sagemaker").meta.region_name
    client = session.client("pricing", region_name=_PRICES_IN, config=Config(connect_timeout=5, read_timeout=20))

    def ask(kind: str) -> float | None:
        filters = {"instanceName": kind, "regionCode": region, "component": "Training"}
        pages = client.get_paginator("get_products").paginate(
            ServiceCode="AmazonSageMaker",
            Filters=[{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in filters.items()],
        )
        return max(
            (price for page in pages for product in page["PriceList"] for price in _on_demand(json.loads(product))), default=None
        )

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
