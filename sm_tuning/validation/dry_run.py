"""Every rule of CreateHyperParameterTuningJob, checked without AWS.

boto3 checks required members, types and lower bounds before it sends a request. Upper bounds, patterns, enums and the rules between
members are checked by the service alone, which costs a round trip each time; here they are all checked, and told at once.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sm_tuning.boto import Client
from sm_tuning.errors import RulesBroken
from sm_tuning.printable import printable
from sm_tuning.rules import schema, tuning_job, warm_start
from sm_tuning.rules.request import number_of_points
from sm_tuning.rules.violation import Violation
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.value_types import WrongTypes
from sm_tuning.summary import Items, Summary, escaped
from sm_tuning.validation import wording
from sm_tuning.validation.local_checks import LOCAL
from sm_tuning.validation.unusual import unusual

_OPERATION = "CreateHyperParameterTuningJob"


@dataclass(frozen=True)
class DryRun:
    """The result of a dry run.

    Attributes:
        request: The request that would be sent; empty if values have wrong types.
        problems: Every broken rule.
        warnings: What breaks no rule, but is seldom meant.
    """

    request: Mapping[str, Any]
    problems: Sequence[Violation]
    warnings: Sequence[str]

    @property
    def ok(self) -> bool:
        """Whether AWS would take the request, as far as can be told from here."""
        return not self.problems

    def __str__(self) -> str:
        """A line for each problem and warning."""
        lines = [f"problem: {problem}" for problem in self.problems] + [f"warning: {warning}" for warning in self.warnings]
        return "\n".join(printable(line) for line in lines) or "no problems"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        problems = Items(caption="problems", lines=list(map(str, self.problems)))
        count = len(self.problems)
        title = f"Dry run: {count or 'no'} problem{'' if count == 1 else 's'}"
        summary = Summary(title=title, sections=[problems, Items(caption="warnings", lines=self.warnings)]).html()
        request = escaped(json.dumps(self.request, indent=1, default=str))
        return f"{summary}<details><summary>the request</summary><pre>{request}</pre></details>" if self.request else summary


def check(job: TuningJobSpec, client: Client | None = None, launch: str = "") -> DryRun:
    """Check a tuning job against every rule, as `launch` would send it; with a client also against the parents of its warm start."""
    try:
        request = job.request(launch)
    except WrongTypes as error:
        return DryRun({}, tuple(error.problems), ())
    problems = [*schema.type_violations(_OPERATION, request)] or list(_violations(job, request))
    warnings = list(dict.fromkeys(unusual(job)))  # once, where several definitions are alike
    if client is not None and job.warm_start is not None and not problems:
        parents = [
            client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name) for name in job.warm_start.parents
        ]
        problems += warm_start.violations(request, parents)
        warnings += warm_start.warnings(request, parents)
    located = (_located(job, violation) for violation in problems)
    spelled = (replace(violation, argument=wording.argument(violation.path, request)) for violation in located)
    return DryRun(request, tuple(_missing_once(spelled)), tuple(warnings))


def sound(job: TuningJobSpec, client: Client | None = None, launch: str = "") -> DryRun:
    """The result of `check`; raises RulesBroken if a rule is broken."""
    result = check(job, client, launch)
    if not result.ok:
        raise RulesBroken(f"the tuning job {job.name} breaks rules:\n{result}")
    return result


def _located(job: TuningJobSpec, problem: Violation) -> Violation:
    """A metric that is defined twice with all that defines it, which the request no longer tells, and what to do."""
    if problem.rule != "metric-unique":
        return problem
    parts = [part for index, (_, part) in enumerate(job.parts()) if not job.several or f"Definitions[{index}]." in problem.path]
    names = [f"metrics[{index}]" for part in parts for index, metric in enumerate(part.metrics) if metric.name == problem.value]
    if any(part.objective is not None and part.objective.name == problem.value for part in parts):
        remedy = f"by objective and {' and '.join(names)}; the objective is recorded anyway: leave it out of metrics"
    else:
        remedy = f"by {' and '.join(names)}; leave all but one out"
    return replace(problem, requirement=f"{problem.requirement}, {remedy}")


def _missing_once(problems: Iterable[Violation]) -> Iterator[Violation]:
    """The problems, with one sentence for a role and an output that are not there in place of one for each rule on their form."""
    arguments = set()
    for problem in problems:
        name = (problem.argument or "").rpartition(".")[2]
        if problem.value != "" or name not in {"role", "output"}:
            yield problem
        elif problem.argument not in arguments:
            arguments.add(problem.argument)
            needed = f"AWS needs one of your account: give {name}= or name it in the file (launch(local=True) does without)"
            yield replace(problem, requirement=needed)


def _violations(job: TuningJobSpec, request: dict[str, Any]) -> Iterator[Violation]:
    yield from schema.violations(_OPERATION, request)
    yield from tuning_job.violations(request)
    yield from LOCAL.violations(job)


def size(job: TuningJobSpec) -> int | None:
    """Number of distinct points of a tuning job's ranges; None for infinitely many."""
    sizes = [number_of_points(part.ranges_request()) for _, part in job.parts()]
    return None if None in sizes else sum(count or 0 for count in sizes)
