"""Moves endpoints: brings deployments up, watches over those that serve, and ends what is to end.

Each instance is a run, whose id stands in the record before the run can begin. What has to be ended stands there as `retiring` until
nothing of it is left. So a killed emulator finds everything again, and starts nothing twice.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from local_emulator.documents import hosting
from local_emulator.domain.endpoint import Deployment, Endpoint, EndpointStatus, Instance, RetiredRun, Variant
from local_emulator.domain.errors import INTERNAL_ERROR, RunError, Unreadable
from local_emulator.domain.names import Arn
from local_emulator.engine.endpoint_health import HUNG_AFTER, HUNG_AFTER_ASYNC, HealthWatch
from local_emulator.engine.faults import FaultLog, Retries, result_of
from local_emulator.engine.mover import Mover, look_again
from local_emulator.engine.starter import EvidenceGoneError, RunStarter
from local_emulator.runs.hosting.backends import Backends
from local_emulator.runs.hosting.default_port import IGNORED, Startup
from local_emulator.runs.hosting.health import ping, wait_until_healthy
from local_emulator.runs.hosting.names import container_of
from local_emulator.runs.hosting.preparation import ServingPreparer, ServingRequest
from local_emulator.runs.run import Executor, RunState
from local_emulator.store.base import Store

if TYPE_CHECKING:
    from concurrent.futures import Future

_THREADS = 64  # most of which wait for `/ping`, or for the end of a program
_LONGEST_PAUSE = 60.0  # seconds until a program that always ends is begun again
_LATE = 10.0  # seconds that a supervisor has after the grace of its program
_LOOK_EVERY = 0.05  # seconds
_MOST_PAST = 8  # runs that have ended whose logs are kept
_STEADY = 60.0  # seconds after which a program that has ended counts as one that runs
_NO_PING = (
    "The {} container for production variant {} did not pass the ping health check. Please check CloudWatch logs for this "
    "endpoint."
)


class EndpointLifecycle(Mover):
    """Starts, follows and ends the runs of endpoints. They take no slots of training jobs.

    `flush` is called in a thread with an endpoint and a run of it that is over, before its folder is removed.
    """

    moves: ClassVar[str] = "endpoints"

    def __init__(
        self,
        *,
        store: Store,
        executor: Executor,
        preparation: ServingPreparer,
        runs: Path,
        now: Callable[[], datetime],
        notify: Callable[[], None],
        token: Callable[[], str],
        flush: Callable[[Endpoint, RetiredRun], None],
        log: FaultLog,
        scale: float = 1.0,
    ) -> None:
        self._store = store
        self._preparation = preparation
        self._runs = runs
        self._now = now
        self._token = token
        self._flush = flush
        self._scale = scale
        self._starter = RunStarter(executor=executor, runs=runs, threads=_THREADS, notify=notify)
        self._backends = Backends()
        self._pinging: dict[str, Future[str | None]] = {}
        self._retiring: dict[str, Future[bool]] = {}
        self._log = log
        self._health = HealthWatch(partial(ping, self._backends), self._starter.slow)
        self._retries = Retries(log, "moving an endpoint", notify)

    @property
    def unsettled(self) -> bool:
        """Whether a run is being prepared; programs that come up take as long as they take."""
        return bool(self._starter.preparing)

    def step(self) -> float | None:
        """Move every endpoint as far as it goes now."""
        arns = self._store.endpoints.active()
        for arn in arns:
            self._retries.guard(arn, partial(self._read_and_move, arn), partial(self._give_up, arn))
        return look_again(self._scale) if arns else None

    def reset(self) -> None:
        """Forget everything; the runs are killed by whoever clears their folder after this."""
        self._starter.reset()
        self._pinging.clear()
        self._health.reset()
        self._retiring.clear()

    def close(self) -> None:
        """End slow work; programs go on, but for those that are to end: perhaps nobody starts this emulator again."""
        for arn in self._store.endpoints.active():
            self._retries.guard(arn, partial(self._end_retired, arn), lambda _: None)
        self._starter.close()
        self._backends.close()

    def _end_retired(self, arn: Arn) -> None:
        """Ask programs to end that are to; what they leave is cleared up at the next start."""
        endpoint = self._store.endpoints.get(arn)
        deleted = endpoint.all_runs if endpoint.status is EndpointStatus.DELETING else ()
        for retired in {*endpoint.retiring, *deleted}:
            if self._starter.state(retired.run) is RunState.RUNNING:
                self._starter.executor.stop(self._starter.folder(retired.run).path)

    # --- one endpoint, one step -----------------------------------------------------------------------------------------

    def _read_and_move(self, arn: Arn) -> None:
        endpoint = self._retire(self._store.endpoints.get(arn))
        if endpoint.status is EndpointStatus.DELETING:
            self._delete(endpoint)
            return
        for deployment in (endpoint.pending, endpoint.serving):
            for variant, instance in deployment.instances if deployment else ():
                endpoint = self._tend(endpoint, variant, instance)
        self._conclude(endpoint)

    def _give_up(self, arn: Arn, error: Exception) -> None:
        """Fail, or roll back, an endpoint that cannot be moved; the server's log has the details."""
        if isinstance(error, Unreadable):
            self._store.mark_failed(arn, INTERNAL_ERROR, self._now())
            return
        endpoint = self._store.endpoints.get(arn)
        if endpoint.pending is not None:
            self._fail(endpoint, INTERNAL_ERROR)

    def _conclude(self, endpoint: Endpoint) -> None:
        """Take the next status if everything is done that it waits for."""
        pending, now = endpoint.pending, max(self._now(), endpoint.modified)
        if pending is not None and all(instance.healthy for _, instance in pending.instances):
            replaced = [run for run in (endpoint.serving.runs if endpoint.serving else ()) if run not in pending.runs]
            self._store.endpoints.put(
                replace(
                    endpoint,
                    status=EndpointStatus.IN_SERVICE,
                    serving=pending,
                    pending=None,
                    retiring=(*endpoint.retiring, *replaced),
                    modified=now,
                )
            )
        elif (
            pending is None
            and not endpoint.retiring
            and endpoint.status in {EndpointStatus.CREATING, EndpointStatus.ROLLING_BACK}
        ):
            failed = endpoint.status is EndpointStatus.CREATING
            status = EndpointStatus.FAILED if failed else EndpointStatus.IN_SERVICE
            self._store.endpoints.put(replace(endpoint, status=status, modified=now))
            self._retries.forget(endpoint.arn)

    def _fail(self, endpoint: Endpoint, reason: str) -> Endpoint:
        """Take back the pending deployment: what is new of it is ended, and the endpoint fails, or serves on as before."""
        serving = endpoint.serving.runs if endpoint.serving else ()
        left = [run for run in (endpoint.pending.runs if endpoint.pending else ()) if run not in serving]
        updating = endpoint.status is EndpointStatus.UPDATING
        return self._store.endpoints.put(
            replace(
                endpoint,
                status=EndpointStatus.ROLLING_BACK if updating else endpoint.status,
                pending=None,
                retiring=(*endpoint.retiring, *left),
                failure_reason=reason,
                modified=max(self._now(), endpoint.modified),
            )
        )

    def _delete(self, endpoint: Endpoint) -> None:
        if endpoint.serving or endpoint.pending or endpoint.past:
            left = tuple(endpoint.all_runs)
            self._store.endpoints.put(replace(endpoint, serving=None, pending=None, past=(), retiring=left))
        elif not endpoint.retiring:
            self._store.endpoints.delete(endpoint.arn)
            self._retries.forget(endpoint.arn)

    # --- one instance ---------------------------------------------------------------------------------------------------

    def _tend(self, endpoint: Endpoint, variant: Variant, instance: Instance) -> Endpoint:
        """Do what is next for an instance; the endpoint as it is then."""
        run = instance.run
        if not _has(endpoint, run):
            return endpoint  # what another instance did in this step has ended it
        state = self._starter.state(run)
        if run in self._starter.preparing:
            return self._start(endpoint, variant, instance)
        if state is RunState.NEW:
            self._prepare(endpoint, variant, instance)
            return endpoint
        if state is RunState.RUNNING:
            if not instance.healthy:
                return self._ping(endpoint, variant, instance)
            return self._begin_again(endpoint, variant, instance) if self._is_hung(endpoint, instance) else endpoint
        return self._over(endpoint, variant, instance)

    def _prepare(self, endpoint: Endpoint, variant: Variant, instance: Instance) -> None:
        """Prepare a run, unless it was started just now or has to wait."""
        run, again = instance.run, instance.started is not None
        if self._starter.started(run) and not self._starter.lost(run):
            return
        if again and not self._starter.withdraw(run):
            return
        if instance.not_before is not None and self._now() < instance.not_before:
            return
        request = ServingRequest(
            run=run,
            containers=hosting.container_specs(variant.model),
            scope=endpoint.scope,
            volume=hosting.volume_size(variant.config),
        )
        self._starter.prepare(run, partial(self._preparation.prepare, request), again=again)

    def _start(self, endpoint: Endpoint, variant: Variant, instance: Instance) -> Endpoint:
        """Start a run whose preparation is done."""
        try:
            run = self._starter.prepared(instance.run)
        except RunError as error:
            if self._is_pending(endpoint, instance):
                return self._fail(endpoint, str(error))
            raise
        except EvidenceGoneError:
            return self._over(endpoint, variant, instance)
        if run is None:
            return endpoint
        started = replace(instance, started=self._now())
        endpoint = self._with(endpoint, instance.run, started)
        self._starter.start(run)
        return endpoint

    def _ping(self, endpoint: Endpoint, variant: Variant, instance: Instance) -> Endpoint:
        """Wait, in a thread, until a program answers; take what has come of it."""
        run, waiting = instance.run, self._pinging.get(instance.run)
        if not instance.ports:
            ports = self._starter.folder(run).read_ports()
            return self._with(endpoint, run, replace(instance, ports=ports)) if ports else endpoint
        if waiting is None:
            self._pinging[run] = self._starter.slow(self._wait_until_healthy, variant, instance)
        if waiting is None or not waiting.done():
            return endpoint
        del self._pinging[run]
        unhealthy = result_of(waiting)
        if unhealthy is None:
            return self._with(endpoint, run, replace(instance, healthy=True))
        return self._over(endpoint, variant, instance, unhealthy)

    def _with(self, endpoint: Endpoint, run: str, instance: Instance) -> Endpoint:
        return self._store.endpoints.put(endpoint.with_instance(run, instance))

    def _wait_until_healthy(self, variant: Variant, instance: Instance) -> str | None:
        """Why a container does not come up; None if all do."""
        began = instance.started or self._now()
        left = hosting.ping_seconds(variant.config) - (self._now() - began).total_seconds()
        deadline = time.monotonic() + max(left, 0.0) / self._scale
        for name, port in zip(hosting.container_names(variant.model), instance.ports, strict=True):
            startup = Startup(self._backends, instance.run, port, lambda: self._starter.state(instance.run) is RunState.RUNNING)
            if not wait_until_healthy(self._backends, port, max(deadline - time.monotonic(), 0.0), startup.goes_on):
                return (IGNORED if startup.ignores_port else _NO_PING).format(name, variant.name)
        return None

    def _is_hung(self, endpoint: Endpoint, instance: Instance) -> bool:
        """Whether a program that was up answers no more."""
        if endpoint.serving is None or self._is_pending(endpoint, instance):
            return False
        after = HUNG_AFTER_ASYNC if hosting.is_asynchronous(endpoint.serving.config) else HUNG_AFTER
        hung = self._health.is_hung(instance.run, instance.ports, after)
        if hung:
            silent = TimeoutError(f"a program has not answered /ping for {after:.0f} seconds: another takes its place")
            self._log.report(f"watching {endpoint.arn}", silent)
        return hung

    def _over(self, endpoint: Endpoint, variant: Variant, instance: Instance, reason: str | None = None) -> Endpoint:
        """A program has ended by itself, or a container does not answer."""
        if self._is_pending(endpoint, instance):
            return self._fail(endpoint, self._why_not_up(variant, instance.run, reason))
        return self._begin_again(endpoint, variant, instance)

    def _why_not_up(self, variant: Variant, run: str, reason: str | None) -> str:
        """The reason why an instance has not come up: what its supervisor says, or AWS's sentence on the container to blame."""
        ended = self._starter.folder(run).read_exit()
        if ended is None:
            return reason or _NO_PING.format(hosting.container_names(variant.model)[0], variant.name)
        container = hosting.container_names(variant.model)[0] if ended.host is None else container_of(ended.host)
        return ended.message or _NO_PING.format(container, variant.name)

    def _is_pending(self, endpoint: Endpoint, instance: Instance) -> bool:
        """Whether an instance is of the new deployment alone."""
        return not _deployed(endpoint.serving, instance.run)

    def _begin_again(self, endpoint: Endpoint, variant: Variant, instance: Instance) -> Endpoint:
        """Put another run in the place of one that has ended while it served: at once, but ever later if it ends again and again."""
        now = self._now()
        lived = (now - (instance.started or now)).total_seconds() / self._scale
        restarts = 0 if lived > _STEADY else instance.restarts + 1
        pause = min(2.0**restarts - 1, _LONGEST_PAUSE) * self._scale if restarts > 1 else 0.0
        another = Instance(run=self._token(), restarts=restarts, not_before=now + timedelta(seconds=pause))
        changed = endpoint.with_instance(instance.run, another)
        retired = RetiredRun(run=instance.run, variant=variant.name)
        return self._store.endpoints.put(replace(changed, retiring=(*endpoint.retiring, retired)))

    # --- ends -----------------------------------------------------------------------------------------------------------

    def _retire(self, endpoint: Endpoint) -> Endpoint:
        """End what is to be ended, in threads; take what has ended out of the record, or keep it there for its log."""
        deleting = endpoint.status is EndpointStatus.DELETING
        for retired in [retired for retired in endpoint.retiring if self._has_ended(endpoint, retired, remove=deleting)]:
            past = () if deleting else (*endpoint.past, retired)
            retiring = tuple(other for other in endpoint.retiring if other != retired)
            endpoint = self._store.endpoints.put(replace(endpoint, retiring=retiring, past=past[-_MOST_PAST:]))
            for old in past[:-_MOST_PAST]:
                self._starter.slow(self._remove, endpoint, old)
            self._starter.forget(retired.run)
            self._health.forget(retired.run)
            self._pinging.pop(retired.run, None)
        return endpoint

    def _has_ended(self, endpoint: Endpoint, retired: RetiredRun, *, remove: bool) -> bool:
        """Whether a run that is to be ended has left nothing that runs."""
        run, ending = retired.run, self._retiring.get(retired.run)
        preparing = self._starter.preparing.get(run)
        if ending is None and (preparing is None or preparing.done()):
            self._retiring[run] = self._starter.slow(self._end_run, endpoint, retired, remove=remove)
        if ending is None or not ending.done():
            return False
        del self._retiring[run]
        removed = result_of(ending)
        if remove and not removed:  # it was to end before its endpoint was
            self._retiring[run] = self._starter.slow(self._remove, endpoint, retired)
        return removed or not remove

    def _end_run(self, endpoint: Endpoint, retired: RetiredRun, *, remove: bool) -> bool:
        """Ask a program to end, and kill it if it does not; `remove` its folder too, once its log has been read. Return whether."""
        folder, executor = self._starter.folder(retired.run), self._starter.executor
        if not folder.withdraw():
            executor.stop(folder.path)
            deadline = time.monotonic() + folder.load_run().stop_grace + _LATE
            while self._starter.state(retired.run) is RunState.RUNNING and time.monotonic() < deadline:
                time.sleep(_LOOK_EVERY)
        executor.kill(folder.path)
        folder.remove_results()
        return remove and self._remove(endpoint, retired)

    def _remove(self, endpoint: Endpoint, over: RetiredRun) -> bool:
        """Remove the folder of a run, once its log has been read; True."""
        self._flush(endpoint, over)
        self._starter.folder(over.run).remove()
        return True


def _deployed(deployment: Deployment | None, run: str) -> bool:
    """Whether a run is one of a deployment."""
    return deployment is not None and any(instance.run == run for _, instance in deployment.instances)


def _has(endpoint: Endpoint, run: str) -> bool:
    """Whether a run serves, or is to serve."""
    return _deployed(endpoint.serving, run) or _deployed(endpoint.pending, run)
