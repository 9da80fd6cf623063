"""A tuning job as the command line describes it: a file, a stack that completes it, an image, a price."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sm_tuning.cli.target import Target
from sm_tuning.client.emulator_process import LOCAL_OUTPUT, LOCAL_ROLE
from sm_tuning.client.stack import Stack, whole_image, with_image
from sm_tuning.errors import Invalid
from sm_tuning.preflight import cost
from sm_tuning.spec.job import Completion
from sm_tuning.spec.toml import load
from sm_tuning.tuning_job import TuningJob


def emulators_own(job: TuningJob) -> Sequence[str]:
    """Which of role and output a tuning job has for want of its own."""
    defaults = (("role", LOCAL_ROLE), ("output", LOCAL_OUTPUT))
    return [name for name, default in defaults if getattr(job, name) == default]


@dataclass(frozen=True, kw_only=True)
class JobFile:
    """FILE with --stack, --image and --price-per-hour."""

    file: Path
    stack: str | None
    image: str | None
    price_per_hour: float | None

    def require_sound(self) -> None:
        """Raise Invalid for a file that cannot be right, whatever a stack adds."""
        load(self.file, TuningJob, role=LOCAL_ROLE, output=LOCAL_OUTPUT)

    def load(self, target: Target, *, parallel: int | None = None) -> TuningJob:
        """The tuning job; what the file says itself wins over the stack."""
        stack = None
        if self.image is not None and self.stack is None:
            whole_image(self.image, None)  # a tag without a repository is refused before anything else that is missing
        if self.stack is not None:
            parallel_jobs = load(self.file, TuningJob, role=LOCAL_ROLE, output=LOCAL_OUTPUT).max_parallel
            stack = Stack.read(self.stack, target.session(parallel_jobs))
            job = stack.complete(load(self.file, TuningJob, role=stack.role, output=stack.output))
        elif target.aws:
            job = load(self.file, TuningJob)
        else:
            job = load(self.file, TuningJob, role=LOCAL_ROLE, output=LOCAL_OUTPUT)
        if self.image is not None:
            job = with_image(job, self.image, stack)
        return job if parallel is None else replace(job, max_parallel=parallel)

    def prices(self, job: TuningJob, target: Target) -> Mapping[str, float]:
        """Price of an hour of each instance type: the one that was given, or AWS's, as far as it tells them."""
        kinds = cost.instance_types(job)
        if self.price_per_hour is not None:
            if not math.isfinite(self.price_per_hour):
                raise Invalid(f"--price-per-hour is {self.price_per_hour}; it must be a number of dollars")
            return dict.fromkeys(kinds, self.price_per_hour)
        return target.prices(list(kinds)) if target.aws else {}

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
