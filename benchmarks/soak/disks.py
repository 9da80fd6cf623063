"""R15: an emulator whose disk is full at a hundred points, may suddenly only be read, or takes no more files. Needs root, to mount.

    python benchmarks/soak/disks.py [--points 100] [--seed 14]

The state lies on a tmpfs of 4 to 64 MB. At each point the disk is filled until so many bytes are left, and objects and training
jobs are asked for; then there is room again, and the same emulator has to go on. What it acknowledged must be there after a restart,
whole.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from boto3 import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.soak.figures import ROOT, Figures, folder, reset
from local_emulator.cloud.persistence import Mirror
from local_emulator.store.sqlite import SqliteStore
from tests.conftest import ROLE, Server

SIZES = (4, 8, 16, 32, 64)  # MB
INODES = 2000
KEPT_JOBS = 5
BUCKET = "disk"
MOUNT, UMOUNT = "/bin/mount", "/bin/umount"
ENDED = {"Completed", "Failed", "Stopped"}
# The emulator keeps a gigabyte of the disk free, so no run would begin on such a small one.
SERVE = "import functools, sys; from local_emulator import command, serving; from local_emulator.settings import Settings; \
serving.Settings = functools.partial(Settings, disk_floor=0); sys.exit(command.main(sys.argv[1:]))"
PROGRAM = 'sh -c "echo score=1; echo weights > $SM_MODEL_DIR/w"'


class SmallDiskServer(Server):
    """An emulator that runs training jobs however small its disk is."""

    def launch(self) -> None:
        """Begin its process."""
        words = ["serve", "--state", str(self.state), "--port", str(self.port), "--image", f"*={PROGRAM}", *self.arguments]
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


@contextmanager
def disk(path: Path, options: str) -> Iterator[Path]:
    """A file system in memory."""
    path.mkdir()
    subprocess.run([MOUNT, "-t", "tmpfs", "-o", options, "none", path], check=True)
    try:
        yield path
    finally:
        subprocess.run([UMOUNT, "--lazy", path], check=True)


class Disk:
    """An emulator on a small disk, what it acknowledged, and what is wrong with that."""

    def __init__(self, server: Server, mounted: Path, codes: "Counter[str]", faults: list[str]) -> None:
        self.server, self.mounted, self.faults, self.codes = server, mounted, faults, codes
        config = Config(retries={"total_max_attempts": 1}, read_timeout=60)
        self.s3, self.sagemaker = (self._client(service, config) for service in ("s3", "sagemaker"))
        self.objects: dict[str, bytes] = {}
        self.jobs: list[str] = []
        self._number = 0
        self.s3.create_bucket(Bucket=BUCKET)

    def _client(self, service: Any, config: Config) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        session = Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
        return session.client(service, endpoint_url=self.server.url, config=config)

    def ask(self, what: str, work: Callable[[], object]) -> bool:
        """Ask for something; whether it was acknowledged. What else may be said is an error with a code, and none of the server's."""
        try:
            work()
        except ClientError as error:
            code = str(error.response["Error"]["Code"])
            self.codes[code] += 1
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if code in {"InternalFailure", "InternalError"} or status >= 500:
                self.faults.append(f"{what}: {status} {error}")
            return False
        except BotoCoreError as error:
            self.faults.append(f"{what}: {error!r}")
            return False
        self.codes["ok"] += 1
        return True

    def write(self, size: int) -> bool:
        """Put an object and create a training job; whether both were acknowledged."""
        self._number += 1
        key, name = f"key-{self._number}", f"job-{self._number}"
        body = bytes([self._number % 256]) * size
        if put := self.ask(f"put of {size} bytes", lambda: self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)):
            self.objects[key] = body
        if created := self.ask("creation", lambda: self.sagemaker.create_training_job(**training(name))):
            self.jobs.append(name)
        return put and created

    def read(self) -> None:
        """What must be answered whatever the disk is like."""
        self.ask("list", lambda: self.sagemaker.list_training_jobs(MaxResults=100))
        listed: list[dict[str, Any]] = []
        self.ask("list of objects", lambda: listed.extend(self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])))
        for entry in listed:
            if entry["Key"].startswith("key-") and entry["Size"] != len(self.objects.get(entry["Key"], b"")):
                self.faults.append(f"{entry['Key']} of {entry['Size']} bytes is listed, though it was not acknowledged")

    def recovers(self) -> bool:
        """Whether it goes on now that there is room: what is asked is done, and jobs end."""
        deadline = time.monotonic() + 60
        written = False
        while not (written := written or self.write(1000)) or not self._last_ends():
            if time.monotonic() > deadline:
                self.faults.append(f"does not recover: {self.codes}")
                return False
            time.sleep(0.1)
        self._forget_old_jobs()
        return True

    def _forget_old_jobs(self) -> None:
        """Delete most jobs that have ended: the smallest disk holds the records of a few only."""
        for name in self.jobs[:-KEPT_JOBS]:
            with suppress(ClientError):
                self.sagemaker.stop_training_job(TrainingJobName=name)
            with suppress(ClientError):  # it has not ended yet
                self.sagemaker.delete_training_job(TrainingJobName=name)
                self.jobs.remove(name)

    def _last_ends(self) -> bool:
        job = self.sagemaker.describe_training_job(TrainingJobName=self.jobs[-1])
        return bool(job["TrainingJobStatus"] == "Completed")

    def check(self) -> None:
        """After a restart all that was acknowledged is there, and whole."""
        for key, body in self.objects.items():
            try:
                if self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() != body:
                    self.faults.append(f"{key} is not what was written")
            except ClientError as error:
                self.faults.append(f"{key}: {error}")
        for name in self.jobs:
            try:
                status = self.sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"]
                if status not in ENDED:
                    self.faults.append(f"{name} is {status}")
            except ClientError as error:
                self.faults.append(f"{name}: {error}")


def training(name: str) -> dict[str, Any]:
    """A CreateTrainingJob request without data."""
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/i:1",
            "TrainingInputMode": "File",
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://disk/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }


def fill(mounted: Path, left: int) -> None:
    """Write until so many bytes are left."""
    space = os.statvfs(mounted)
    with suppress(OSError), (mounted / "filling").open("wb") as file:
        remaining = max(space.f_bavail * space.f_frsize - left, 0)
        while remaining > 0:
            remaining -= file.write(bytes(min(remaining, 1 << 20)))
            file.flush()


def full(small: Disk, rng: random.Random, points: int) -> int:
    """Fill the disk so many times; after how many it went on."""
    recovered = 0
    for _ in range(points):
        fill(small.mounted, rng.choice((0, 0, 4096, rng.randrange(1 << 16), rng.randrange(1 << 20))))
        for _ in range(3):
            small.write(rng.choice((10, 5000, 200_000)))
        small.read()
        (small.mounted / "filling").unlink()
        recovered += small.recovers()
        for key in list(small.objects)[:-5]:  # or the objects themselves would fill it
            if small.ask("deletion", lambda key=key: small.s3.delete_object(Bucket=BUCKET, Key=key)):  # type: ignore[misc] # key
                del small.objects[key]
    return recovered


def read_only(small: Disk) -> int:
    """Let all but what is open already only be read for a while; whether it went on."""
    small.write(100)
    state = small.server.state
    subprocess.run([MOUNT, "--bind", state, state], check=True)
    subprocess.run([MOUNT, "-o", "remount,ro,bind", state], check=True)
    for _ in range(3):
        small.write(100)
    small.read()
    subprocess.run([UMOUNT, state], check=True)
    return small.recovers()


def no_inodes(small: Disk) -> int:
    """Use up all inodes, and give them back; whether it went on."""
    with suppress(OSError):
        for number in range(2 * INODES):
            (small.mounted / f"empty-{number}").touch()
    for _ in range(3):
        small.write(5000)
    small.read()
    for path in small.mounted.glob("empty-*"):
        path.unlink()
    return small.recovers()


def tried(path: Path, options: str, do: Callable[[Disk], int], codes: "Counter[str]", faults: list[str]) -> int:
    """Do something to an emulator on a disk of its own, start it again, and check all it holds."""
    with disk(path, options) as mounted:
        server = SmallDiskServer(state=mounted / "state", arguments=("--stop-grace", "1", "--no-fork-server"))
        try:
            small = Disk(server.start(), mounted, codes, faults)
            result = do(small)
            server.end()
            server.start()
            small.check()
            server.end()
            SqliteStore(server.state / "jobs.sqlite").close()  # they check themselves
            Mirror(server.state).close()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            faults.append(f"{options}: {error!r} {''.join(server.log[-3:])}")
            return 0
        finally:
            server.end()
            reset(server.state)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=14, help="default: %(default)s")
    options = parser.parse_args(argv)
    if os.geteuid():
        print("mounting needs root", file=sys.stderr)
        return 2
    figures, rng = Figures(), random.Random(options.seed)  # noqa: S311 - not for secrets
    codes: Counter[str] = Counter()
    faults: list[str] = []
    points, recovered = options.points // len(SIZES), 0
    with folder() as path:
        for size in SIZES:
            recovered += tried(path / f"{size}", f"size={size}m", lambda small: full(small, rng, points), codes, faults)
        reading = tried(path / "read-only", "size=32m", read_only, codes, faults)
        inodes = tried(path / "inodes", f"size=32m,nr_inodes={INODES}", no_inodes, codes, faults)
    figures.exactly("times that the disk was full", points * len(SIZES), 100)
    figures.exactly("of these after which the same emulator went on", recovered, 100)
    figures.exactly("went on after its disk could only be read", reading, 1)
    figures.exactly("went on after there were no inodes", inodes, 1)
    figures.none("content lost or damaged, partial objects, answers without a code", faults)
    figures.note("answers", ", ".join(f"{code} {count}" for code, count in codes.most_common()))
    return figures.print()


if __name__ == "__main__":
    sys.exit(main())
