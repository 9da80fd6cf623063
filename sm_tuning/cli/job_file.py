"""A tuning job as the command line describes it: a file, a stack that completes it, an image, a price."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from sm_tuning.cli.app import Target
from sm_tuning.errors import Invalid
from sm_tuning.preflight import cost
from sm_tuning.spec.job import Completion
from sm_tuning.tuning_job import TuningJob

LOCAL_ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
LOCAL_OUTPUT = "s3://sm-tuning-local"


def emulators_own(job: TuningJob) -> str:
    """Which of role and output a tuning job has for want of its own; empty if none."""
    defaults = (("role", LOCAL_ROLE), ("output", LOCAL_OUTPUT))
    return " and ".join(name for name, default in defaults if getattr(job, name) == default)


@dataclass(frozen=True, kw_only=True)
class JobFile:
    """FILE with --stack, --image and --price-per-hour."""

    file: Path
    stack: str | None
    image: str | None
    price_per_hour: float | None

    def load(self, target: Target, *, parallel: int | None = None) -> TuningJob:
        """The tuning job; what the file says itself wins over the stack."""
        from sm_tuning.client.stack import Stack, whole_image, with_image  # noqa: PLC0415 - see command.py

        stack = None
        if self.image is not None and self.stack is None:
            whole_image(self.image, None)  # a tag that belongs to nothing is told before what else is missing
        if self.stack is not None:
            parallel_jobs = TuningJob.from_toml(self.file, role=LOCAL_ROLE, output=LOCAL_OUTPUT).max_parallel
            stack = Stack.read(self.stack, target.session(parallel_jobs))
            job = stack.complete(TuningJob.from_toml(self.file, role=stack.role, output=stack.output))
        elif target.aws:
            job = TuningJob.from_toml(self.file)
        else:
            job = TuningJob.from_toml(self.file, role=LOCAL_ROLE, output=LOCAL_OUTPUT)
        if self.image is not None:
            job = with_image(job, self.image, stack)
        return job if parallel is None else replace(job, max_parallel=parallel)

    def prices(self, job: TuningJob, target: Target) -> Mapping[str, float]:
        """Price of an hour of each instance type: the one that was given, or AWS's, as far as it tells them."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see command.py

        kinds = cost.instance_types(job)
        if self.price_per_hour is not None:
            if not math.isfinite(self.price_per_hour):
                raise Invalid(f"--price-per-hour is {self.price_per_hour}; it must be a number of dollars")
            return dict.fromkeys(kinds, self.price_per_hour)
        if not target.aws:
            return {}
        try:
            return cost.price_list(target.session(), kinds)
        except (BotoCoreError, ClientError):
            return {}

    def check_cost(self, job: TuningJob, prices: Mapping[str, float], most: float | None, *, more: int = 0) -> None:
        """Raise Invalid if the worst case, with `more` training jobs after it, may cost more than that, or if nobody knows."""
        if most is None:
            return
        if cost.instance_hours(job) is None:
            raise Invalid(f"--max-cost is {most:g}, but nothing bounds the cost: give max_jobs, or completion.max_runtime")
        worst = cost.money(job, prices)
        if worst is not None and more:
            worst += cost.money(replace(job, max_jobs=more, completion=Completion()), prices) or 0.0
        if worst is None:
            unknown = ", ".join(sorted(set(cost.instance_types(job)) - set(prices)))
            raise Invalid(f"--max-cost is {most:g}, but no price of {unknown} is known: give --price-per-hour")
        if not worst <= most:  # so is what is no number
            remedy = "lower max_jobs, resources.max_runtime or completion.max_runtime"
            raise Invalid(f"--max-cost is {most:g}, but the worst case costs {worst:,.2f}: {remedy}")


def described(command: Callable[..., Any]) -> Callable[..., Any]:
    """FILE and what completes it, as the parameter `job_file`."""
    decorated = command
    for option in (
        click.option(
            "--price-per-hour", type=click.FloatRange(min=0), help="Dollars for an instance-hour; AWS's price list, if not given."
        ),
        click.option("--image", metavar="URI|TAG", help="Image of those that name none; a tag is one of the stack's repository."),
        click.option("--stack", help="CloudFormation stack that tells role, bucket, repository, key and network."),
        click.argument("file", type=click.Path(path_type=Path)),
    ):
        decorated = option(decorated)

    @wraps(command)
    def run(*args: Any, file: Path, stack: str | None, image: str | None, price_per_hour: float | None, **kwargs: Any) -> Any:  # noqa: ANN401 - click's
        return command(*args, job_file=JobFile(file=file, stack=stack, image=image, price_per_hour=price_per_hour), **kwargs)

    wrapped = run
    wrapped.__click_params__ = decorated.__click_params__  # type: ignore[attr-defined] # click keeps its options there
    return wrapped
