"""The command that says what a tuning job would do and cost, before anything is sent."""

import math
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sm_tuning.cli.display import console
from sm_tuning.cli.failures import USAGE
from sm_tuning.cli.job_file import JobFile, emulators_own
from sm_tuning.cli.options import load
from sm_tuning.cli.output import echo, echo_json
from sm_tuning.cli.tables import safe, table_of
from sm_tuning.cli.target import Target
from sm_tuning.errors import Invalid
from sm_tuning.preflight import cost
from sm_tuning.rules.training_toolkit import PACKAGE
from sm_tuning.rules.violation import Violation
from sm_tuning.spec.parameters import Auto, Categorical, Continuous, Integer, Range, Scaling
from sm_tuning.spec.value_types import WrongTypes
from sm_tuning.tuning_job import TuningJob
from sm_tuning.validation.dry_run import DryRun
from sm_tuning.validation.requirements import FILE, Requirements, is_package, requirements_of

_SAMPLES = 5


def plan(*, job_file: JobFile, show_request: bool, try_one: bool, target: Target, as_json: bool) -> None:
    """Check a tuning job without sending it, and say what it would do and cost."""
    if try_one and target.aws:
        raise Invalid("--try-one runs a training job on the emulator; leave --aws out")
    try:
        job = job_file.load(target)
    except WrongTypes as error:  # nothing but its problems can be said of such a job
        problems = problems_document(error.problems)
        (echo_json if as_json else show_problems)(problems)
        sys.exit(USAGE)
    result = job.dry_run()
    prices = job_file.prices(job, target)
    planned = document(job, result, prices)
    tried = load("first_try.try_one")(job, target, prices) if try_one and result.ok else None
    if as_json:
        echo_json({**planned, **({"tried": tried} if tried else {})})
    else:
        show_plan(job, planned)
        if tried is not None:
            load("first_try.show")(tried)
        if show_request:
            if names := emulators_own(job):
                echo(f"{' and '.join(names)} are the emulator's here; AWS needs those of your account", error=True)
            echo_json(result.request)
    sys.exit(0 if result.ok else USAGE)


def show_plan(job: TuningJob, planned: Mapping[str, Any]) -> None:
    """Print a plan's document: problems, where there are any, before all that they make vain."""
    out = console()
    show_problems(planned)
    out.print(f"{job.name}: {type(job.strategy).__name__}, {planned['trainingJobs']} training jobs, {job.max_parallel} at a time")
    out.print(table_of([{"range": name, "values such as": "  ".join(values)} for name, values in planned["samples"].items()]))
    out.print("points such as the strategy might try (examples, not what will run):")
    out.print(table_of([dict(point) for point in planned["points"]]))
    for asked in planned["requirements"]:
        for sentence in requirements_sentences(asked):
            out.print(safe(sentence), soft_wrap=True)
    out.print(cost_line(job, planned["pricesPerHour"]), soft_wrap=True)
    for warning in planned["warnings"]:
        out.print(f"warning: {warning}", soft_wrap=True)
    out.print(verdict(planned))


def show_problems(planned: Mapping[str, Any]) -> None:
    """Print the problems of a plan's document."""
    out = console()
    for problem in planned["problems"]:
        out.print(f"problem: {problem['message']}", soft_wrap=True)


def verdict(planned: Mapping[str, Any]) -> str:
    """Whether the job can be launched, and how much there is to read before."""
    problems, warnings = len(planned["problems"]), len(planned["warnings"])
    warned = f"{warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""
    if problems:
        counted = f"{problems} problem{'s' if problems > 1 else ''}"
        return f"it cannot be launched: {' and '.join(filter(None, [counted, warned]))}"
    return f"no rule is broken, but there {'are' if warnings > 1 else 'is'} {warned}" if warned else "no rule is broken"


def samples(parameter: Range, count: int = _SAMPLES) -> Sequence[str]:
    """Values spread over a range as its scaling spreads them; all values of a categorical one."""
    if isinstance(parameter, Categorical):
        return [str(value) for value in parameter.values]
    if isinstance(parameter, Auto):
        return [f"chosen by AWS around {parameter.hint}"]
    low, high = float(parameter.low), float(parameter.high)
    logarithmic = parameter.scale is Scaling.LOGARITHMIC
    values = []
    for index in range(count):
        share = index / (count - 1)
        if logarithmic:
            value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        elif parameter.scale is Scaling.REVERSE_LOGARITHMIC:
            value = 1.0 - math.exp((1 - share) * math.log1p(-low) + share * math.log1p(-high))
        else:
            value = low + share * (high - low)
        values.append(str(round(value)) if isinstance(parameter, Integer) else f"{value:.3g}")
    return list(dict.fromkeys(values))


def points(job: TuningJob, count: int = 3) -> Sequence[Mapping[str, str]]:
    """A few points such as the strategy might try."""
    rng = random.Random(0)  # noqa: S311 - examples, not secrets
    parts = [part for _, part in job.parts()]
    drawn = []
    for index in range(count):
        part = parts[index % len(parts)]
        point = {"definition": str(part.name)} if job.several else {}
        for parameter in part.ranges:
            choices = samples(parameter, 101 if isinstance(parameter, Continuous) else 31)
            point[parameter.name] = rng.choice(choices)
        drawn.append(point)
    return drawn


def problems_document(problems: Sequence[Violation]) -> dict[str, Any]:
    """Whether the job can be launched, and what prevents it."""
    described = [
        {
            "rule": problem.rule,
            "path": problem.path,
            "argument": problem.argument or problem.path,
            "value": repr(problem.value),
            "requirement": problem.requirement,
            "message": str(problem),
        }
        for problem in problems
    ]
    return {"ok": not problems, "problems": described, "warnings": []}


def document(job: TuningJob, result: DryRun, prices: Mapping[str, float]) -> dict[str, Any]:
    """The plan as one JSON document."""
    return {
        **problems_document(result.problems),
        "warnings": list(result.warnings),
        "trainingJobs": cost.number_of_jobs(job),
        "samples": {
            (f"{part.name}.{parameter.name}" if job.several else parameter.name): list(samples(parameter))
            for _, part in job.parts()
            for parameter in part.ranges
        },
        "points": list(points(job)),
        "requirements": requirements_documents(job),
        **cost_document(job, prices),
        "request": result.request,
    }


def requirements_documents(job: TuningJob) -> Sequence[Mapping[str, Any]]:
    """What pip is asked for before the scripts start, a document for each file."""
    scripts = {part.script.source: part.script for _, part in job.parts() if part.script is not None}
    asked = {source: requirements_of(script) for source, script in scripts.items()}
    packages = [str(Path(source or ".") / PACKAGE) for source, script in scripts.items() if is_package(script)]
    return [
        *({"file": package, "installed": [], "missing": [], "leftToPip": ["."]} for package in packages),
        *_of_files(asked),
    ]


def _of_files(asked: Mapping[str | None, Requirements | None]) -> Sequence[Mapping[str, Any]]:
    return [
        {
            "file": str(Path(source or ".") / FILE),
            "installed": requirements.met,
            "missing": requirements.unmet,
            "leftToPip": requirements.others,
        }
        for source, requirements in asked.items()
        if requirements is not None
    ]


def requirements_sentences(asked: Mapping[str, Any]) -> Iterator[str]:
    """The same as sentences; an image in AWS has other packages than this interpreter."""
    if Path(asked["file"]).name == PACKAGE:
        yield f"{asked['file']}: pip installs its folder, with what it requires, and the script is started as a module (python -m)"
        return
    for member, words in (
        ("missing", "not in this Python, so pip installs before the script"),
        ("installed", "in this Python already"),
        ("leftToPip", "pip will see to"),
    ):
        if asked[member]:
            yield f"{asked['file']}: {words}: {', '.join(asked[member])}"


def cost_document(job: TuningJob, prices: Mapping[str, float]) -> dict[str, Any]:
    """What it costs at worst, and at which prices of an instance-hour."""
    return {
        "worstCaseInstanceHours": cost.instance_hours(job),
        "worstCaseCost": cost.money(job, prices),
        "pricesPerHour": dict(prices),
    }


def cost_line(job: TuningJob, prices: Mapping[str, float]) -> str:
    """The same as a sentence."""
    hours, money = cost.instance_hours(job), cost.money(job, prices)
    if hours is None:
        return "worst case: unbounded; give max_jobs, or completion.max_runtime"
    line = f"worst case: {hours:,.1f} instance-hours of {' or '.join(cost.instance_types(job))}"
    return line if money is None else f"{line}, ${money:,.2f}"
