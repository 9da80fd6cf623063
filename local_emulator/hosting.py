"""Creates the parts of an emulator that host models, and connects them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from local_emulator.api.async_invocations import AsyncInvocations
from local_emulator.api.invocations import Runtime
from local_emulator.domain.objects import Objects
from local_emulator.engine.async_invocations import AsyncInvocationMover
from local_emulator.engine.endpoint_cloudwatch import CloudWatch, EndpointCloudWatch
from local_emulator.engine.endpoints import EndpointLifecycle
from local_emulator.engine.faults import FaultLog
from local_emulator.runs.data.kept_logs import KeptLogs
from local_emulator.runs.hosting.preparation import ServingPreparer
from local_emulator.runs.run import Executor
from local_emulator.store.base import Store


class Hosting:
    """What answers invocations, what moves endpoints, and what is published of them."""

    def __init__(
        self,
        *,
        store: Store,
        cloud: CloudWatch,
        objects: Objects,
        executor: Executor,
        preparation: ServingPreparer,
        state: Path,
        in_memory: bool,
        now: Callable[[], datetime],
        notify: Callable[[], None],
        token: Callable[[], str],
        log: FaultLog,
        scale: float,
    ) -> None:
        runs = state / "runs"
        kept = None if in_memory else KeptLogs(state / "kept-logs")
        self.cloudwatch = EndpointCloudWatch(store=store, cloud=cloud, runs=runs, kept=kept, now=now, log=log)
        endpoints = EndpointLifecycle(
            store=store,
            executor=executor,
            preparation=preparation,
            runs=runs,
            now=now,
            notify=notify,
            token=token,
            flush=self.cloudwatch.flush,
            log=log,
            scale=scale,
        )
        invocations = AsyncInvocationMover(
            store=store, objects=objects, folder=state / "cache", now=now, notify=notify, log=log, scale=scale
        )
        self.movers = (endpoints, invocations)
        queue = AsyncInvocations(store=store, now=now, token=token, notify=notify)
        self.runtime = Runtime(store=store, metrics=self.cloudwatch, queue=queue)
