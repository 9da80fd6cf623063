"""Functions and classes in whose every test the emulator answers."""

import asyncio
import os
import pickle
import subprocess
import sys
import textwrap
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_emulator.testing import emulated_sagemaker
from tests.integration.local_emulator.testing.clients import aws_client

pytestmark = pytest.mark.usefixtures("no_address_elsewhere")


def _is_emulated() -> bool:
    """Whether the emulator answers: moto alone knows no role of SageMaker's."""
    return bool(aws_client("iam").get_role(RoleName="SageMakerRole"))


@pytest.mark.parametrize("decorator", [emulated_sagemaker, emulated_sagemaker()], ids=["bare", "called"])
def test_functions_of_all_kinds(decorator: Any) -> None:
    def plain(value: int) -> int:
        assert _is_emulated()
        return value

    async def coroutine(value: int) -> int:
        await asyncio.sleep(0)
        assert _is_emulated()
        return value

    def generator(value: int) -> Iterator[int]:
        assert _is_emulated()
        yield value
        assert _is_emulated()

    async def async_generator(value: int) -> Any:
        assert _is_emulated()
        yield value
        assert _is_emulated()

    async def read() -> list[int]:
        return [item async for item in decorator(async_generator)(4)]

    assert decorator(plain)(1) == 1
    assert asyncio.run(decorator(coroutine)(2)) == 2
    assert list(decorator(generator)(3)) == [3]
    assert asyncio.run(read()) == [4]
    assert decorator(plain).__name__ == "plain"


@pytest.mark.parametrize("target", [3, "text", pytest.fixture(lambda: None), property(lambda self: self), pickle])
def test_what_is_no_function_is_refused(target: Any) -> None:
    with pytest.raises(TypeError, match="decorates functions"):
        emulated_sagemaker()(target)
    with pytest.raises(TypeError, match="decorates functions"):
        emulated_sagemaker(target)


def test_every_test_of_a_test_case_runs_in_an_emulator_of_its_own() -> None:
    seen = []

    @emulated_sagemaker
    class Case(unittest.TestCase):
        def setUp(self) -> None:
            seen.append(("setUp", _is_emulated()))
            self.addCleanup(lambda: seen.append(("clean-up", _is_emulated())))
            aws_client("s3").create_bucket(Bucket="bucket")

        def tearDown(self) -> None:
            seen.append(("tearDown", _is_emulated()))

        def test_first(self) -> None:
            seen.append(("test", len(aws_client("s3").list_buckets()["Buckets"]) == 1))

        def test_second(self) -> None:
            self.test_first()

        def test_failing(self) -> None:
            self.fail("as it is to")

    class AsyncCase(unittest.IsolatedAsyncioTestCase):
        async def test_first(self) -> None:
            seen.append(("async", _is_emulated()))

    result = unittest.TestResult()
    loader = unittest.TestLoader()
    loader.loadTestsFromTestCase(Case).run(result)
    loader.loadTestsFromTestCase(emulated_sagemaker()(AsyncCase)).run(result)
    assert (result.testsRun, len(result.failures), result.errors) == (4, 1, [])
    steps = [step for step, _ in seen]
    assert [steps.count(step) for step in ("setUp", "test", "tearDown", "clean-up", "async")] == [3, 2, 3, 3, 1]
    assert all(emulated for _, emulated in seen)


_CLASSES = textwrap.dedent("""
    import boto3, pytest, unittest
    from local_emulator.testing import emulated_sagemaker

    IAM, S3 = (boto3.client(name, region_name="us-east-1") for name in ("iam", "s3"))

    def check():
        assert IAM.get_role(RoleName="SageMakerRole")

    @emulated_sagemaker()
    class TestPlain:
        def setup_method(self):
            check(); S3.create_bucket(Bucket="bucket")
        def teardown_method(self, method): check()
        @pytest.fixture
        def buckets(self):
            yield S3.list_buckets()["Buckets"]
            check()
        def test_fails(self): check(); assert False
        def test_passes(self, buckets): assert len(buckets) == 1
        @pytest.mark.parametrize("number", [1, 2])
        def test_parameters(self, number, emulated_sagemaker): check()
        class TestNested:
            def test_nested_fails(self): check(); assert False
        @staticmethod
        def test_static(): check()

    class TestDerived(TestPlain):
        def test_more(self): check()

    @emulated_sagemaker
    class Case(unittest.TestCase):
        def test_fails(self): check(); self.fail()
        def test_passes(self): check()

    @pytest.fixture
    @emulated_sagemaker
    def emulated():
        yield
        check()

    def test_fixture(emulated): check()

    def test_is_not_emulated():
        from moto.core.models import botocore_stubber
        assert not botocore_stubber.enabled
""")


def test_classes_under_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_classes.py").write_text(_CLASSES)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "real", "AWS_SECRET_ACCESS_KEY": "real"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path, env=environment)
    assert result.returncode == 1, result.stdout
    assert "5 failed, 12 passed" in result.stdout, result.stdout
    assert result.stdout.count("assert False") + result.stdout.count("self.fail()") >= 5
