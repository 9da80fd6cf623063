"""Endpoints as records, for tests of what keeps, moves and invokes them."""

from datetime import datetime
from typing import Any

from local_emulator.documents.hosting import ContainerSpec, ModelData
from local_emulator.domain.endpoint import Deployment, Endpoint, EndpointStatus, Instance, Variant
from local_emulator.domain.names import ENDPOINT
from tests.made_jobs import NOW, SCOPE

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


class AnythingServed:
    """Checks of an API behind which nothing serves."""

    def check(self, container: ContainerSpec) -> None:
        """Any image is served."""

    def check_data(self, data: ModelData | None) -> None:
        """Any model is there."""


def model(name: str = "model", **container: Any) -> dict[str, Any]:
    """DescribeModel's answer."""
    definition = {"Image": IMAGE, "Mode": "SingleModel", "Environment": {}, "ModelDataUrl": "s3://bucket/model.tar.gz"}
    return {"ModelName": name, "PrimaryContainer": definition | container, "EnableNetworkIsolation": False}


def variant(name: str = "AllTraffic", *instances: Instance, weight: float = 1.0, **config: Any) -> Variant:
    """A production variant."""
    shown = {"VariantName": name, "ModelName": "model", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1} | config
    return Variant(name=name, config=shown, model=model(), weight=weight, instances=instances or (Instance(run=f"run-{name}"),))


def deployment(*variants: Variant, created: datetime = NOW, **config: Any) -> Deployment:
    """A deployment of variants."""
    chosen = variants or (variant(),)
    shown = {"EndpointConfigName": "config", "ProductionVariants": [part.config for part in chosen]} | config
    return Deployment(config=shown, variants=chosen, created=created)


def endpoint(name: str = "endpoint", status: EndpointStatus = EndpointStatus.CREATING, **changes: Any) -> Endpoint:
    """An endpoint, with a pending deployment unless another is given."""
    request = {"EndpointName": name, "EndpointConfigName": "config"}
    members = {"pending": deployment()} if status is EndpointStatus.CREATING else {"serving": deployment()}
    return Endpoint(
        name=name,
        arn=SCOPE.arn(ENDPOINT, name),
        request=request,
        status=status,
        created=NOW,
        modified=NOW,
        **{**members, **changes},
    )
