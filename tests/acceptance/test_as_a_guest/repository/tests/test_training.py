"""Tests as users write them."""

import asyncio
import datetime as dt
import os
import threading
import time
import unittest

import boto3
import pytest
from freezegun import freeze_time
from moto import mock_aws
from shop import training

from local_emulator.testing import RequestRefused, emulated_sagemaker

SCRIPT = "print('score=0.5')"
ENDLESS = "import time; print('score=0.5', flush=True); time.sleep(600)"
METRIC = {"Namespace": "/aws/sagemaker/TrainingJobs", "MetricName": "score"}


def test_job_with_the_fixture(emulated_sagemaker):
    training.train("job", SCRIPT)
    assert training.ended("job")["TrainingJobStatus"] == "Completed"
    assert "shop" in [bucket["Name"] for bucket in training.S3.list_buckets()["Buckets"]]


@pytest.mark.xfail(raises=ZeroDivisionError, strict=True)
def test_that_fails_while_a_job_runs(emulated_sagemaker):
    training.train("job", "import time; time.sleep(600)")
    raise ZeroDivisionError


@mock_aws
def test_beside_mock_aws():
    boto3.client("sqs", region_name="eu-west-1").create_queue(QueueName="queue")
    with emulated_sagemaker(mock=False):
        assert training.SAGEMAKER.list_training_jobs()["TrainingJobSummaries"] == []
        assert len(boto3.client("sqs", region_name="eu-west-1").list_queues()["QueueUrls"]) == 1


@emulated_sagemaker
def test_bare_decorator(tmp_path):
    assert training.SAGEMAKER.list_models()["Models"] == []


@emulated_sagemaker()
@pytest.mark.parametrize("name", ["one", "two"])
def test_decorator(name):
    assert training.SAGEMAKER.list_training_jobs(NameContains=name)["TrainingJobSummaries"] == []


@emulated_sagemaker()
class TestClass:
    def setup_method(self):
        training.upload(SCRIPT)

    def test_first(self):
        assert len(training.S3.list_buckets()["Buckets"]) == 1

    @pytest.mark.xfail(raises=AssertionError, strict=True)
    def test_false(self):
        assert training.S3.list_buckets()["Buckets"] == []


@emulated_sagemaker
class Case(unittest.TestCase):
    def setUp(self):
        training.upload(SCRIPT)

    def test_first(self):
        self.assertEqual(len(training.S3.list_buckets()["Buckets"]), 1)

    @unittest.expectedFailure
    def test_false(self):
        self.fail("as it is to")


def test_threads(emulated_sagemaker):
    answers = []
    work = [threading.Thread(target=lambda: answers.append(training.SAGEMAKER.list_training_jobs())) for _ in range(4)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert len(answers) == 4


def test_elsewhere_is_refused(emulated_sagemaker):
    client = boto3.client("sagemaker", region_name="eu-west-1", endpoint_url="https://sagemaker.example.com")
    with pytest.raises(RequestRefused):
        client.list_training_jobs()


def test_forked_child_is_told(emulated_sagemaker):
    process = os.fork()
    if process == 0:
        try:
            training.SAGEMAKER.list_training_jobs()
        except RequestRefused:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 7


def test_frozen_time(emulated_sagemaker):
    day = dt.datetime(2020, 2, 3, tzinfo=dt.UTC)
    with freeze_time(day):
        training.train("job", SCRIPT)
        assert training.ended("job")["CreationTime"] == day
        cloudwatch = boto3.client("cloudwatch", region_name="eu-west-1")
        job = [{"Name": "TrainingJobName", "Value": "job"}]
        points = cloudwatch.get_metric_statistics(
            **METRIC, Dimensions=job, StartTime=day, EndTime=day + dt.timedelta(1), Period=60, Statistics=["Average"]
        )["Datapoints"]
    assert [(point["Timestamp"], point["Average"]) for point in points] == [(day, 0.5)]


def until_begun(emulator, name):
    """Wait for the program, whose limits count from its beginning: the job says Training a moment before."""
    while not emulator.metrics(name):
        time.sleep(0.02)


def test_time_that_ticks_past_the_limit(emulated_sagemaker):
    with freeze_time("2020-02-03T04:05:06Z") as frozen:
        training.train("job", ENDLESS, limit=3000)
        until_begun(emulated_sagemaker, "job")
        frozen.tick(3600)
        assert training.ended("job")["SecondaryStatus"] == "MaxRuntimeExceeded"


@pytest.mark.emulated_sagemaker(time_scale=3600)
def test_frozen_time_comes_before_time_that_runs_faster(emulated_sagemaker):
    with freeze_time("2020-02-03T04:05:06Z") as frozen:
        training.train("job", ENDLESS, limit=3000)
        until_begun(emulated_sagemaker, "job")
        job = training.SAGEMAKER.describe_training_job(TrainingJobName="job")
        assert job["CreationTime"] == job["LastModifiedTime"] == dt.datetime(2020, 2, 3, 4, 5, 6, tzinfo=dt.UTC)
        frozen.tick(2999)
        time.sleep(0.1)  # 6 minutes, if the clock went
        assert training.SAGEMAKER.describe_training_job(TrainingJobName="job")["TrainingJobStatus"] == "InProgress"
        frozen.tick(1)
        assert training.ended("job")["TrainingTimeInSeconds"] == 3000


@pytest.mark.emulated_sagemaker(time_scale=36_000)
def test_time_runs_faster_from_where_it_ticks(emulated_sagemaker):
    day = dt.datetime(2020, 2, 3, tzinfo=dt.UTC)
    with freeze_time(day, tick=True):
        training.train("job", "import time; time.sleep(600)", limit=3600)
        job = training.ended("job")
    assert job["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert day <= job["CreationTime"] < day + dt.timedelta(60)  # two minutes and more of a busy machine
    assert job["TrainingTimeInSeconds"] >= 3600


# --- asynchronous: an event loop opens a pair of sockets ------------------------------------------------------------------


@pytest.mark.enable_socket
@emulated_sagemaker()
async def test_coroutine():
    await asyncio.sleep(0)
    assert training.SAGEMAKER.list_training_jobs()["TrainingJobSummaries"] == []


@pytest.mark.enable_socket
async def test_aiobotocore(emulated_sagemaker):
    session = pytest.importorskip("aiobotocore.session").get_session()
    training.upload(SCRIPT)
    async with session.create_client("sagemaker", region_name="eu-west-1") as sagemaker:
        assert (await sagemaker.list_training_jobs())["TrainingJobSummaries"] == []
        assert (await sagemaker.list_models())["Models"] == []
    async with session.create_client("s3", region_name="eu-west-1") as s3:
        answer = await s3.get_object(Bucket="shop", Key="source.tar.gz")
        assert len(await answer["Body"].read()) == answer["ContentLength"]


@pytest.mark.enable_socket
async def test_aioboto3(emulated_sagemaker, emulated_sagemaker_server):
    session = pytest.importorskip("aioboto3").Session(region_name="eu-west-1")
    training.train("job", f"import time; time.sleep(0.5); {SCRIPT}")
    for endpoint in (None, emulated_sagemaker_server.url):  # in this process, and at the port
        async with session.client("sagemaker", endpoint_url=endpoint) as sagemaker:
            waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
            await waiter.wait(TrainingJobName="job")
            assert (await sagemaker.describe_training_job(TrainingJobName="job"))["TrainingJobStatus"] == "Completed"
        async with session.resource("s3", endpoint_url=endpoint) as s3:
            assert [bucket.name async for bucket in s3.buckets.all()] == ["shop"]
