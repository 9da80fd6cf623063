"""Tuning jobs of a project that still run when its stack is to be deleted: they would write into a bucket that is emptied."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sm_tuning.boto import Client
from sm_tuning.client.status import UNFINISHED
from sm_tuning.errors import NotDeployed


@dataclass(frozen=True, kw_only=True)
class RunningJobs:
    """Those with the project's tags; `client` is SageMaker's."""

    client: Client
    tags: Mapping[str, str]
    say: Callable[[str], object]
    poll: float

    def settle(self, *, yes: bool, stop: bool) -> None:
        """Say which run; with `yes` stop them and wait, or raise NotDeployed if they must not be stopped."""
        names = self.names()
        run = "1 tuning job of this project runs" if len(names) == 1 else f"{len(names)} tuning jobs of this project run"
        for name in names:
            self.say(f"  runs: the tuning job {name}")
        if not names or not yes:
            return
        if not stop:
            raise NotDeployed(f"{run} and would lose the bucket that is written into; wait for the end, or give --stop-jobs")
        for name in names:
            self.client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        while self.names():
            time.sleep(self.poll)
        self.say(f"  stopped: {', '.join(names)}")

    def names(self) -> Sequence[str]:
        """Names of the tuning jobs that have not ended."""
        paginator = self.client.get_paginator("list_hyper_parameter_tuning_jobs")
        pages = (page for status in UNFINISHED for page in paginator.paginate(StatusEquals=status))
        summaries = (summary for page in pages for summary in page["HyperParameterTuningJobSummaries"])
        return [
            summary["HyperParameterTuningJobName"] for summary in summaries if self._ours(summary["HyperParameterTuningJobArn"])
        ]

    def _ours(self, arn: str) -> bool:
        pages = self.client.get_paginator("list_tags").paginate(ResourceArn=arn)
        tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
        return self.tags.items() <= tags.items()
