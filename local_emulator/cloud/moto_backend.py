"""moto in this process, behind one lock: it is not made for several threads."""

import io
import json
import os
import sqlite3
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from local_emulator.cloud.environ import SETTINGS, bucket_and_key, call, put_of_setting, service, sub_resource
from local_emulator.cloud.moto_patches import cloudformation, events, operations
from local_emulator.cloud.persistence import BlobFile, Mirror, Setting, StoredObject
from local_emulator.domain.errors import ResourceLimitExceeded
from local_emulator.domain.names import LOG_GROUP, METRIC_NAMESPACE, AwsScope
from local_emulator.domain.objects import NoSuchBucket, NoSuchKey, ObjectInfo
from local_emulator.settings import ACCOUNT, Settings, forced_account

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

ROLE = "SageMakerRole"
_OF_PARTITIONS = frozenset({"iam", "s3", "sts"})  # services that are the same in all regions of a partition
_OF_DATA = frozenset({"s3", "logs", "monitoring"})  # services that ask nobody who is calling
_CLOSES_WITHIN = 5.0  # seconds
_DUMMY_KEY = "AKIAEXAMPLE"  # what moto takes every access key for that does not look like one of AWS's

_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)
_EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


class MotoBackend:
    """The rest of AWS. With `state` None nothing is kept on disk (in a test, beside moto's own mock_aws)."""

    def __init__(self, settings: Settings, state: Path | None) -> None:
        self._settings = settings
        self.lock = threading.RLock()
        self._mirror = None if state is None else Mirror(state)
        self._application: Any = None
        self._ready = state is None
        self._own = ExitStack()  # what is put into moto; in a test that is taken out again
        self._welcomed = False

    def warm_up(self) -> None:
        """Bring moto up, which takes most of a second, before somebody has to wait for it."""
        with self.lock:
            self._moto()

    def close(self) -> None:
        """Let go of the files, unless a request keeps moto busy for long: they are whole at any moment."""
        if not self.lock.acquire(timeout=_CLOSES_WITHIN):
            return
        try:
            if self._mirror is not None:
                self._mirror.close()
                self._mirror = None
            self._own.close()
        finally:
            self.lock.release()

    # --- moto's parts, imported late ------------------------------------------------------------------------------------

    def _moto(self) -> None:
        """Bring moto up and put back what S3 held. Call under the lock."""
        if self._ready:
            return
        os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "true")
        if self._settings.account != ACCOUNT:  # else the access key tells the account
            os.environ.setdefault("MOTO_ACCOUNT_ID", self._settings.account)
        self._application = _server()
        self._ready = True
        events.mend()
        self._own.enter_context(operations.extended(self._settings.quotas))
        self._welcome()
        self._restore()

    def welcome(self, service: str) -> None:
        """In a test: before moto is asked for something else than data, see to it that the role and its assumed caller are there."""
        if not self._welcomed and service not in _OF_DATA:
            with self.lock:
                self._welcome()

    def _welcome(self) -> None:
        """Make the role that jobs may run as, and let callers have assumed it."""
        self._welcomed = True
        iam = self._backend("iam", self._home)
        role = next((role for role in iam.get_roles() if role.name == ROLE), None)
        if role is None:
            role = iam.create_role(ROLE, _TRUST, "/", "", "", {}, "3600")
            role.put_policy("everything", _EVERYTHING)
            self._own.callback(iam.roles.pop, role.id, None)
        # The SageMaker SDK's get_execution_role() wants its caller to have assumed a role that IAM knows.
        from moto.sts.models import AssumedRole  # noqa: PLC0415 - heavy

        sts = self._backend("sts", self._home)
        key = SimpleNamespace(access_key_id=_DUMMY_KEY, secret_access_key=_DUMMY_KEY)
        caller = AssumedRole(self._settings.account, self._settings.region, key, "local", role.arn, "", 3600, "")  # type: ignore[arg-type]
        sts.assumed_roles.append(caller)
        self._own.callback(_remove, sts.assumed_roles, caller)

    @property
    def _home(self) -> AwsScope:
        return AwsScope(region=self._settings.region, account=self._settings.account)

    def _backend(self, service: str, scope: AwsScope) -> Any:  # noqa: ANN401 - moto's own types
        self._moto()
        from moto.backends import get_backend  # noqa: PLC0415 - heavy

        where = scope.partition if service in _OF_PARTITIONS else scope.region
        return get_backend(service)[scope.account][where]  # type: ignore[call-overload]

    def _s3(self, bucket: str) -> Any:  # noqa: ANN401 - moto's own type
        """What holds a bucket: S3 of whatever partition and account."""
        self._moto()
        from moto.s3.models import s3_backends  # noqa: PLC0415 - heavy

        if bucket not in s3_backends.bucket_accounts:
            raise NoSuchBucket(bucket)
        partition, account = s3_backends.bucket_accounts[bucket]
        return s3_backends[account][partition]

    def _bucket(self, name: str) -> Any:  # noqa: ANN401 - moto's own type
        bucket = self._s3(name).buckets.get(name)
        if bucket is None:
            raise NoSuchBucket(name)
        return bucket

    def account_of(self, access_key: str) -> str:
        """The account that a request acts in, as moto has it: the environment's, or the one whose IAM or STS gave out the key."""
        if forced := forced_account():
            return forced
        # Not there, or still being imported: nobody can have been given a key.
        account_id = getattr(sys.modules.get("moto.iam.models"), "get_account_id_from", None)
        if self._settings.account != ACCOUNT or account_id is None or not self._ready:
            return self._settings.account
        account: str = account_id(access_key)
        return account

    # --- S3 for training jobs -------------------------------------------------------------------------------------------

    def list(self, bucket: str, prefix: str) -> Sequence[ObjectInfo]:
        """Every object whose key begins with the prefix, in key order."""
        with self.lock:
            keys = self._bucket(bucket).keys
            found = [(name, keys[name]) for name in sorted(keys.keys()) if name.startswith(prefix)]
            return [ObjectInfo(key=name, size=key.size, etag=key.etag) for name, key in found if hasattr(key, "size")]

    def download(self, bucket: str, key: str, target: Path) -> None:
        """Write an object's content to a file."""
        with self.lock:
            found = self._bucket(bucket).keys.get(key)
            if found is None or not hasattr(found, "size"):
                raise NoSuchKey(key)
            blob = found._value_buffer if isinstance(found._value_buffer, BlobFile) else None  # noqa: SLF001 - to copy without reading
            content = None if blob else found.value
        if blob is not None:
            _copy(blob.path, target)
        elif content is not None:
            target.write_bytes(content)

    def upload(self, bucket: str, key: str, source: Path) -> None:
        """Keep a file's content under a key."""
        blob = self._mirror.store(source) if self._mirror is not None else None
        with self.lock:
            self._bucket(bucket)
            # With a blob moto gets an empty value first: the blob takes its place at once.
            made = self._s3(bucket).put_object(bucket, key, source.read_bytes() if blob is None else b"")
            if blob is not None:
                _swap(made, blob, source.stat().st_size)
                _untrack()
                try:
                    self._note_object(bucket, key)
                except (OSError, sqlite3.Error):
                    self._take_back(bucket, key)
                    raise

    # --- CloudWatch -----------------------------------------------------------------------------------------------------

    def publish_logs(self, scope: AwsScope, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Append (epoch milliseconds, text) to a stream of the training jobs' log group, made if missing."""
        with self.lock:
            groups = self._backend("logs", scope)
            if LOG_GROUP not in groups.groups:
                groups.create_log_group(LOG_GROUP, {})
            group = groups.groups[LOG_GROUP]
            if stream not in group.streams:
                groups.create_log_stream(LOG_GROUP, stream)
            # CloudWatch takes no empty message; the agent sends blank lines as a blank.
            group.put_log_events(stream, [{"timestamp": ms, "message": text or " "} for ms, text in events])

    def read_logs(self, scope: AwsScope, prefix: str) -> Sequence[str]:
        """The messages of those streams of the training jobs' log group whose names begin so, a stream after the other."""
        with self.lock:
            group = self._backend("logs", scope).groups.get(LOG_GROUP)
            streams = sorted(group.streams.items()) if group else []
            return [event.message for name, stream in streams if name.startswith(prefix) for event in stream.events]

    def publish_metrics(self, scope: AwsScope, training_job: str, points: Sequence[tuple[str, float, datetime]]) -> None:
        """Put (metric, value, time) under the training job's dimension."""
        dimensions = [{"Name": "TrainingJobName", "Value": training_job}]
        data = [
            {"MetricName": name, "Value": value, "Timestamp": time.replace(tzinfo=None), "Dimensions": dimensions, "Unit": "None"}
            for name, value, time in points
        ]
        with self.lock:
            self._backend("cloudwatch", scope).put_metric_data(METRIC_NAMESPACE, data)

    # --- EventBridge ----------------------------------------------------------------------------------------------------

    def listens(self, scope: AwsScope) -> bool:
        """Whether the event bus has any rule; none before moto was first used."""
        if not self._ready:  # asked without the lock, which is held while moto comes up: nobody can have made a rule yet
            return False
        with self.lock:
            return bool(self._backend("events", scope).describe_event_bus("default").rules)

    def send(self, scope: AwsScope, kind: str, resource: str, detail: Mapping[str, Any]) -> None:
        """Send one of SageMaker's events to the event bus; its times are milliseconds since the epoch."""
        event = {
            "Source": "aws.sagemaker",
            "DetailType": kind,
            "Resources": [resource],
            "Detail": json.dumps(_in_milliseconds(detail)),
        }
        with self.lock:
            try:
                self._backend("events", scope).put_events([event])
            except Exception:  # noqa: BLE001 - a rule or target that moto cannot serve must not hold up the jobs
                traceback.print_exc(file=sys.stderr)

    # --- IAM ------------------------------------------------------------------------------------------------------------

    def role_exists(self, arn: str) -> bool:
        """Whether IAM here knows a role."""
        with self.lock:
            _, partition, _, _, account, _ = arn.split(":", 5)
            self._moto()
            self.welcome("iam")
            from moto.iam.models import iam_backends  # noqa: PLC0415 - heavy

            return any(role.arn == arn for role in iam_backends[account][partition].get_roles())

    # --- the door -------------------------------------------------------------------------------------------------------

    def wsgi(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Moto's server; S3's changes are on disk before the answer leaves."""
        writes = environ["REQUEST_METHOD"] in {"PUT", "POST", "DELETE"} and service(environ) == "s3"
        body = b""
        if writes and sub_resource(environ) in SETTINGS:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
        if "REQUEST_URI" in environ:  # by this name moto finds the path as it was sent: `?` and `%` in keys stay what they are
            environ["RAW_URI"] = environ["REQUEST_URI"]
        by_stack = service(environ) == "cloudformation"
        with self.lock:
            self._moto()
            if by_stack:
                cloudformation.mend()
            self._application = self._application or _server()  # in a test, where moto answers without one
            status, headers, content = call(self._application, environ)
            if environ["PATH_INFO"] == "/moto-api/reset" and status.startswith("2") and self._mirror is not None:
                self._mirror.clear()
            if writes and status.startswith("2") and self._mirror is not None:
                self._mirrored(environ, body)
            if by_stack and self._mirror is not None:
                self._mirror_buckets(self._mirror)
        start_response(status, headers)
        return [content]

    def _mirrored(self, environ: "WSGIEnvironment", body: bytes) -> None:
        """Note what a successful write to S3 has changed; raises ResourceLimitExceeded if that cannot be: then nothing has changed."""
        try:
            self._note(environ, body)
        except (OSError, sqlite3.Error) as error:
            self._take_back(*bucket_and_key(environ))
            raise ResourceLimitExceeded(f"S3 holds what it held before: the state folder cannot be written ({error})") from error

    def _take_back(self, bucket: str, key: str) -> None:
        """Let moto have of a key, or else of a whole bucket, what is on disk."""
        from moto.s3.models import s3_backends  # noqa: PLC0415 - heavy

        if (mirror := self._mirror) is None:
            return
        if key and any(name == bucket for name, _, _ in mirror.buckets()):
            keys = self._bucket(bucket).keys
            if key in keys:
                keys.pop(key)
            self._put_back(mirror.objects(bucket, key))
            return
        with suppress(NoSuchBucket):
            self._s3(bucket).buckets.pop(bucket, None)
        s3_backends.bucket_accounts.pop(bucket, None)
        self._restore(bucket)

    def _note(self, environ: "WSGIEnvironment", body: bytes) -> None:
        _untrack()
        bucket, key = bucket_and_key(environ)
        mirror = self._mirror
        if mirror is None or not bucket:
            return
        try:
            known = self._bucket(bucket)
        except NoSuchBucket:
            mirror.forget_bucket(bucket)
            return
        mirror.note_bucket(bucket, known.region_name, known.account_id)
        if key:
            self._note_object(bucket, key)
            return
        name = sub_resource(environ)
        if name == "delete":
            for gone in mirror.keys(bucket) - set(self._bucket(bucket).keys.keys()):
                mirror.forget_object(bucket, gone)
        elif name in SETTINGS and environ["REQUEST_METHOD"] == "DELETE":
            mirror.forget_setting(bucket, name)
        elif name in SETTINGS:
            headers = {
                header: value for header, value in environ.items() if isinstance(value, str) and header.startswith("HTTP_X_AMZ")
            }
            mirror.note_setting(Setting(bucket=bucket, name=name, query=environ["QUERY_STRING"], headers=headers, body=body))

    def _mirror_buckets(self, mirror: Mirror) -> None:
        """Note the buckets that stacks have made, and forget those that they have deleted."""
        from moto.s3.models import s3_backends  # noqa: PLC0415 - heavy

        known = {name for name, _, _ in mirror.buckets()}
        present = set(s3_backends.bucket_accounts)
        for name in present - known:
            bucket = self._bucket(name)
            mirror.note_bucket(name, bucket.region_name, bucket.account_id)
            if bucket.versioning_status:
                body = f"<VersioningConfiguration><Status>{bucket.versioning_status}</Status></VersioningConfiguration>".encode()
                mirror.note_setting(Setting(bucket=name, name="versioning", query="versioning", headers={}, body=body))
        for gone in known - present:
            mirror.forget_bucket(gone)

    def _note_object(self, bucket: str, key: str) -> None:
        mirror = self._mirror
        found = self._bucket(bucket).keys.get(key)
        if mirror is None:
            return
        if found is None or not hasattr(found, "size"):  # gone, or a delete marker
            mirror.forget_object(bucket, key)
            return
        if not isinstance(found._value_buffer, BlobFile):  # noqa: SLF001 - the buffer is what we replace
            etag = found.etag
            _swap(found, mirror.store(found.value), found.size)
            found._etag = etag.strip('"')  # noqa: SLF001 - it is computed from the buffer only when missing
        mirror.note_object(
            StoredObject(
                bucket=bucket,
                key=key,
                blob=found._value_buffer,  # noqa: SLF001 - see above
                size=found.size,
                etag=found.etag.strip('"'),
                modified=found.last_modified.replace(tzinfo=UTC),
                metadata={str(name): str(value) for name, value in found.metadata.items()},
                tags=self._s3(bucket).tagger.get_tag_dict_for_resource(found.arn),
            )
        )

    def _restore(self, bucket: str | None = None) -> None:
        """Put back into moto what the mirror knows: all of it, or one bucket."""
        if (mirror := self._mirror) is None:
            return
        for name, region, account in mirror.buckets():
            if bucket not in {None, name}:
                continue
            scope = AwsScope(region=region, account=account or self._settings.account)
            with suppress(Exception):  # a bucket that this moto refuses must not keep the others away
                self._backend("s3", scope).create_bucket(name, region)
        self._put_back(mirror.objects(bucket))
        for setting in mirror.settings():
            if bucket in {None, setting.bucket}:
                call(
                    self._application,
                    put_of_setting(setting.bucket, setting.query, setting.headers, setting.body, self._settings.region),
                )

    def _put_back(self, objects: Iterable[StoredObject]) -> None:
        for one in objects:
            try:
                s3 = self._s3(one.bucket)
            except NoSuchBucket:
                continue
            made = s3.put_object(one.bucket, one.key, b"", etag=one.etag, disable_notification=True)
            _swap(made, one.blob, one.size)
            made.last_modified = one.modified.replace(tzinfo=None)
            made.set_metadata(dict(one.metadata), replace=False)
            if one.tags:
                s3.tagger.tag_resource(made.arn, [{"Key": key, "Value": value} for key, value in one.tags.items()])
        _untrack()


def _remove(items: list[Any], item: object) -> None:
    with suppress(ValueError):  # moto was reset
        items.remove(item)


def _in_milliseconds(value: Any, name: str = "") -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return {member: _in_milliseconds(one, member) for member, one in value.items()}
    if isinstance(value, list | tuple):
        return [_in_milliseconds(one) for one in value]
    is_time = isinstance(value, int | float) and name.endswith(("Time", "Timestamp"))
    return round(value * 1000) if is_time else value


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("wb") as writing:
        while os.copy_file_range(reading.fileno(), writing.fileno(), 1 << 30):
            pass


def _untrack() -> None:
    """Let moto forget the keys and uploads that it has only kept to dispose of them at a reset: overwritten ones would never go."""
    from moto.s3.models import FakeKey, FakeMultipart  # noqa: PLC0415 - heavy

    FakeKey.instances_tracked.clear()  # type: ignore[attr-defined] # made by moto's metaclass
    FakeMultipart.instances_tracked.clear()  # type: ignore[attr-defined] # see above


def _swap(key: Any, blob: BlobFile, size: int) -> None:  # noqa: ANN401 - moto's own type
    """Let a key of moto's read its value from a blob."""
    key._value_buffer.close()  # noqa: SLF001 - the buffer is what we replace
    key._value_buffer = blob  # noqa: SLF001 - see above
    key.contentsize = size


def _server() -> Any:  # noqa: ANN401 - moto's own type
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415 - heavy

    return DomainDispatcherApplication(create_backend_app)
