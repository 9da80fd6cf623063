"""moto in this process, behind one lock: it is not made for several threads."""

import io
import json
import os
import re
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from local_emulator.cloud import jumpstart
from local_emulator.cloud.deleted_logs import DeletedLogs
from local_emulator.cloud.environ import call, is_by_host, service, sub_resource
from local_emulator.cloud.moto_modules import MotoObject, backend, moto
from local_emulator.cloud.moto_patches import cloudformation, events, keys, operations, sagemaker_resources, tagging
from local_emulator.cloud.moto_s3 import MotoS3
from local_emulator.cloud.persistence import Mirror
from local_emulator.domain.functions import DeployedFunction
from local_emulator.domain.jobs import Perform
from local_emulator.domain.names import LOG_GROUP, METRIC_NAMESPACE, AwsScope
from local_emulator.settings import ACCOUNT, Settings, forced_account

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

ROLE = "SageMakerRole"
_OF_DATA = frozenset({"s3", "logs", "monitoring"})  # services that do not check who is calling
_CLOSES_WITHIN = 5.0  # seconds
_DUMMY_KEY = "AKIAEXAMPLE"  # moto replaces access keys that do not look like AWS's by this one

_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)
_FUNCTION = re.compile(r"arn:[^:]+:lambda:(?P<region>[^:]+):(?P<account>\d{12}):function:.+")
_EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


class MotoBackend:
    """The rest of AWS. With `state` None nothing is kept on disk (in a test, beside moto's own mock_aws).

    `perform` carries out an operation of our API for resources of stacks and their tags; `tagged` has the resources with tags.
    """

    def __init__(
        self, settings: Settings, state: Path | None, perform: Perform, tagged: tagging.Tagged = lambda _scope: ()
    ) -> None:
        self._settings = settings
        self._perform = perform
        self._tagged = tagged
        self.lock = threading.RLock()
        self._application: MotoObject = None
        self._ready = state is None
        self.objects = MotoS3(
            settings,
            None if state is None else Mirror(state),
            lock=self.lock,
            start=self._start,
            request=lambda environ: call(self._application, environ),
        )
        self._deleted_logs = None if state is None else DeletedLogs(state / "deleted-logs")
        self._added = ExitStack()  # what is added to moto; in a test it is removed again
        self._has_role = False
        self._extended: set[str] = set()  # which services have what is added at their first request

    def warm_up(self) -> None:
        """Bring moto up before it is needed: it takes most of a second."""
        with self.lock:
            self._start()

    def close(self) -> None:
        """Close the files, unless a request keeps moto busy for long: they are whole at any moment."""
        if not self.lock.acquire(timeout=_CLOSES_WITHIN):
            return
        try:
            self.objects.close()
            self._added.close()
        finally:
            self.lock.release()

    def _start(self) -> None:
        """Bring moto up and put back what S3 held. Call under the lock."""
        if self._ready:
            return
        if self._settings.account != ACCOUNT:  # else the access key tells the account
            os.environ.setdefault("MOTO_ACCOUNT_ID", self._settings.account)
        self._application = _server()
        self._ready = True
        events.apply()
        keys.apply()
        self._added.enter_context(operations.applied(self._settings.quotas))
        for method in ("delete_log_group", "delete_log_stream"):
            self._added.enter_context(self._noting(moto("logs.models").LogsBackend, method))
        self._add_role()
        self.objects.restore()

    # --- IAM ------------------------------------------------------------------------------------------------------------

    def ensure_role(self, service: str) -> None:
        """In a test: before a request to a service (its signing name) that checks who is calling, add the role and its caller."""
        if not self._has_role and service not in _OF_DATA:
            with self.lock:
                self._add_role()

    def _add_role(self) -> None:
        """Make the role that jobs may run as, and let callers have assumed it."""
        self._has_role = True
        iam = self._backend("iam", self._home)
        role = next((role for role in iam.get_roles() if role.name == ROLE), None)
        if role is None:
            role = iam.create_role(ROLE, _TRUST, "/", "", "", {}, "3600")
            role.put_policy("everything", _EVERYTHING)
            self._added.callback(iam.roles.pop, role.id, None)
        # The SageMaker SDK's get_execution_role() expects its caller to have assumed a role that IAM knows.
        assumed_role = moto("sts.models").AssumedRole
        sts = self._backend("sts", self._home)
        key = SimpleNamespace(access_key_id=_DUMMY_KEY, secret_access_key=_DUMMY_KEY)
        caller = assumed_role(self._settings.account, self._settings.region, key, "local", role.arn, "", 3600, "")
        sts.assumed_roles.append(caller)
        self._added.callback(_remove, sts.assumed_roles, caller)

    def role_exists(self, arn: str) -> bool:
        """Whether IAM here knows a role."""
        with self.lock:
            _, partition, _, _, account, _ = arn.split(":", 5)
            self._start()
            self.ensure_role("iam")
            return any(role.arn == arn for role in moto("iam.models").iam_backends[account][partition].get_roles())

    @property
    def _home(self) -> AwsScope:
        return AwsScope(region=self._settings.region, account=self._settings.account)

    def _backend(self, service: str, scope: AwsScope) -> MotoObject:
        self._start()
        return backend(service, scope)

    def account_of(self, access_key: str) -> str:
        """The account that a request acts in, as moto has it: the environment's, or the one whose IAM or STS gave out the key."""
        if forced := forced_account():
            return forced
        # Not imported, or still being imported by another thread (`iam_backends` comes last): no key can have been created.
        iam = sys.modules.get("moto.iam.models")
        if self._settings.account != ACCOUNT or iam is None or not hasattr(iam, "iam_backends") or not self._ready:
            return self._settings.account
        account: str = iam.get_account_id_from(access_key)
        return account

    # --- CloudWatch -----------------------------------------------------------------------------------------------------

    def publish_logs(self, scope: AwsScope, stream: str, events: Sequence[tuple[int, str]], *, group: str = LOG_GROUP) -> None:
        """Append (epoch milliseconds, text) to a stream of a log group (the training jobs'); without events make the group alone."""
        with self.lock:
            groups = self._backend("logs", scope)
            if (
                events
                and self._deleted_logs is not None
                and not (events := self._deleted_logs.left(scope, group, stream, events))
            ):
                return
            if group not in groups.groups:
                groups.create_log_group(group, {})
            if not events:
                return
            if stream not in groups.groups[group].streams:
                groups.create_log_stream(group, stream)
            # CloudWatch takes no empty message; the agent sends blank lines as a blank.
            groups.groups[group].put_log_events(stream, [{"timestamp": ms, "message": text or " "} for ms, text in events])

    def has_log_group(self, scope: AwsScope, group: str) -> bool:
        """Whether a log group is there."""
        with self.lock:
            return group in self._backend("logs", scope).groups

    def _noting(self, backend: MotoObject, method: str) -> AbstractContextManager[object]:
        """Note what a method of moto's deletes, before it does: the next start would publish it again."""
        original, deleted_logs = getattr(backend, method), self._deleted_logs

        def delete(logs: MotoObject, log_group_name: str, *stream: str) -> object:
            group = logs.groups.get(log_group_name)
            streams = {name: held.events for name, held in group.streams.items() if not stream or name in stream} if group else {}
            ends = {name: max(event.timestamp for event in events) for name, events in streams.items() if events}
            if ends and deleted_logs is not None:
                deleted_logs.note(AwsScope(region=logs.region_name, account=logs.account_id), log_group_name, ends)
            return original(logs, log_group_name, *stream)

        return patch.object(backend, method, delete)

    def read_logs(self, scope: AwsScope, prefix: str) -> Sequence[str]:
        """The messages of the streams with a prefix in the training jobs' log group, stream by stream."""
        with self.lock:
            group = self._backend("logs", scope).groups.get(LOG_GROUP)
            streams = sorted(group.streams.items()) if group else []
            return [event.message for name, stream in streams if name.startswith(prefix) for event in stream.events]

    def publish_metrics(self, scope: AwsScope, training_job: str, points: Sequence[tuple[str, float, datetime]]) -> None:
        """Put (metric, value, time) under the training job's dimension."""
        units = [(name, value, "None", time) for name, value, time in points]
        self.put_metrics(scope, METRIC_NAMESPACE, {"TrainingJobName": training_job}, units)

    def put_metrics(
        self, scope: AwsScope, namespace: str, dimensions: Mapping[str, str], points: Sequence[tuple[str, float, str, datetime]]
    ) -> None:
        """Put (metric, value, unit, time) under dimensions."""
        named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        data = [
            {"MetricName": name, "Value": value, "Timestamp": time.replace(tzinfo=None), "Dimensions": named, "Unit": unit}
            for name, value, unit, time in points
        ]
        with self.lock:
            self._backend("cloudwatch", scope).put_metric_data(namespace, data)

    # --- EventBridge ----------------------------------------------------------------------------------------------------

    def listens(self, scope: AwsScope) -> bool:
        """Whether the event bus has any rule; none before moto was first used."""
        if not self._ready:  # read without the lock, which is held while moto comes up: there can be no rule yet
            return False
        with self.lock:
            return bool(self._backend("events", scope).describe_event_bus("default").rules)

    def send(self, scope: AwsScope, kind: str, resources: Sequence[str], detail: Mapping[str, Any]) -> None:
        """Send one of SageMaker's events to the event bus, its times as milliseconds since the epoch; raises what moto raises."""
        event = {
            "Source": "aws.sagemaker",
            "DetailType": kind,
            "Resources": list(resources),
            "Detail": json.dumps(_in_milliseconds(detail)),
        }
        with self.lock:
            self._backend("events", scope).put_events([event])

    # --- CloudFormation -------------------------------------------------------------------------------------------------

    def stacks(self) -> AbstractContextManager[None]:
        """Let moto's stacks have the resources of SageMaker that our API makes, until the context ends."""
        return sagemaker_resources.applied(self._perform, pretend=self._settings.pretend)

    def tags(self) -> AbstractContextManager[None]:
        """Let moto's Resource Groups Tagging API have the resources that are ours, until the context ends."""
        return tagging.applied(self._perform, self._tagged)

    def _extend(self, name: str) -> None:
        """Before a request to a service: add what nothing else needs."""
        if name == "cloudformation":
            cloudformation.apply()
        additions = {"cloudformation": self.stacks, tagging.SERVICE: self.tags}
        if name in additions and name not in self._extended:
            self._added.enter_context(additions[name]())
            self._extended.add(name)

    # --- Lambda ---------------------------------------------------------------------------------------------------------

    def function(self, arn: str) -> DeployedFunction | None:
        """A function of AWS Lambda; None if there is none."""
        if not (parsed := _FUNCTION.match(arn)):
            return None
        with self.lock:
            functions = self._backend("lambda", AwsScope(region=parsed["region"], account=parsed["account"]))
            try:
                made = functions.get_function(arn)
            except moto("awslambda.exceptions").LambdaClientError:  # unknown, or an alias that is
                return None
            return DeployedFunction(
                runtime=made.run_time if made.package_type == "Zip" else None,
                handler=made.handler or "",
                archive=made.code_bytes,
                layers=bool(made.layers),
                timeout=float(made.timeout),
                environment=dict(made.environment_vars),
            )

    # --- requests -------------------------------------------------------------------------------------------------------

    def stock(self, address: str) -> None:
        """Have what a request to a bucket of JumpStart asks for, by the request's host and path. Call under the lock."""
        named = jumpstart.named_in(address)
        if named is not None:
            self.objects.stock(*named)

    def wsgi(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Have moto answer a request; S3's changes are on disk before the answer leaves."""
        name = service(environ)
        writes = environ["REQUEST_METHOD"] in {"PUT", "POST", "DELETE"} and name == "s3"
        body = b""
        if writes and sub_resource(environ):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
        if "REQUEST_URI" in environ:  # by this name moto finds the path as it was sent: `?` and `%` in keys stay what they are
            environ["RAW_URI"] = environ["REQUEST_URI"]
        if name == "s3" and not is_by_host(environ):
            environ["HTTP_HOST"] = "localhost"  # of any other name with a dot moto takes the first word for a bucket
        by_stack = name == "cloudformation"
        with self.lock:
            self._start()
            self._extend(name)
            self.stock(f"{environ.get('HTTP_HOST', '')}{environ['PATH_INFO']}")
            self._application = self._application or _server()  # in a test, where moto answers without one
            status, headers, content = call(self._application, environ)
            if status.startswith("2"):
                if environ["PATH_INFO"] == "/moto-api/reset":
                    self.objects.clear()
                    if self._deleted_logs is not None:
                        self._deleted_logs.clear()
                if writes:
                    self.objects.save(environ, body)
            if by_stack:
                self.objects.save_buckets()
        start_response(status, headers)
        return [content]


def _remove(items: list[Any], item: object) -> None:
    with suppress(ValueError):  # moto was reset
        items.remove(item)


def _in_milliseconds(value: object, name: str = "") -> object:
    """JSON whose times, recognised by their names, are whole milliseconds."""
    if isinstance(value, Mapping):
        return {member: _in_milliseconds(part, member) for member, part in value.items()}
    if isinstance(value, list | tuple):
        return [_in_milliseconds(part) for part in value]
    if isinstance(value, int | float) and name.endswith(("Time", "Timestamp")):
        return round(value * 1000)
    return value


def _server() -> MotoObject:
    server = moto("moto_server.werkzeug_app")
    # A bucket has the rules that it was given. moto reads MOTO_DISABLE_GLOBAL_CORS when it is imported: a test may have done that.
    server.DISABLE_GLOBAL_CORS = True
    keys.route(server)
    return server.DomainDispatcherApplication(server.create_backend_app)
