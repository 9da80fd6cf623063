"""What a tuning job shows of itself."""

from collections.abc import Iterator

from sm_tuning.spec.definition import Definition
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.parameters import Auto, Categorical, Range, Scaling
from sm_tuning.spec.resources import Resources
from sm_tuning.spec.strategies import Grid
from sm_tuning.summary import Cell, Items, Summary, Table, shown


def job_summary(job: TuningJobSpec) -> Summary:
    """A tuning job in short; of values with wrong types only those."""
    if wrong := [str(problem) for problem in job.wrong_types()]:
        return Summary(title=f"TuningJob {job.name}", sections=[Items(caption="values of a wrong type", lines=wrong)])
    sections = [table for _, part in job.parts() for table in _definition(part, several=job.several)]
    facts = {
        "strategy": _strategy(job),
        "training jobs": _training_jobs(job),
        **({} if job.several else _facts(job.parts()[0][1])),
        "warm start": ", ".join(job.warm_start.parents) if job.warm_start is not None else "",
        "output": job.output,
        "role": job.role,
    }
    return Summary(title=f"TuningJob {job.name}", facts=facts, sections=sections)


def _strategy(job: TuningJobSpec) -> str:
    seed = None if isinstance(job.strategy, Grid) else job.strategy.seed
    return type(job.strategy).__name__ + ("" if seed is None else f", seed {seed}")


def _training_jobs(job: TuningJobSpec) -> str:
    if job.max_jobs is not None:
        count = str(job.max_jobs)
    else:
        count = "every combination" if isinstance(job.strategy, Grid) else "as many as AWS chooses"
    return f"{count}, {job.max_parallel} at a time"


def _facts(part: Definition) -> dict[str, str]:
    goal = "" if part.objective is None else f"{part.objective.goal.lower()} {part.objective.name}"
    return {
        "objective": goal,
        "script": "" if part.script is None else "/".join(filter(None, [part.script.source, part.script.entry])),
        "algorithm": part.algorithm or "",
        "image": part.image or "",
        "data": ", ".join(channel.name for channel in part.channels),
        "static": ", ".join(f"{name}={value}" for name, value in part.hyperparameters.items()),
        "instances": f"{_instances(part.resources)}{', spot' if part.resources.spot else ''}",
    }


def _instances(resources: Resources) -> str:
    if resources.groups:
        return " and ".join(f"{group.count} {group.type}" for group in resources.groups)
    if resources.preferences:
        return " or ".join(f"{machine.count} {machine.type}" for machine in resources.preferences)
    return f"{resources.instance_count} {resources.instance_type}"


def _definition(part: Definition, *, several: bool) -> Iterator[Table]:
    if several:
        yield Table(caption=f"definition {part.name}", columns=("", ""), rows=[pair for pair in _facts(part).items() if pair[1]])
    caption = f"ranges of {part.name}" if several else "ranges"
    yield Table(caption=caption, columns=("hyperparameter", "kind", "values", "scale"), rows=[_range(row) for row in part.ranges])


def _range(parameter: Range) -> tuple[Cell, ...]:
    kind = type(parameter).__name__
    if isinstance(parameter, Categorical):
        return parameter.name, kind, ", ".join(map(str, parameter.values)), ""
    if isinstance(parameter, Auto):
        return parameter.name, kind, f"chosen by AWS around {parameter.hint}", ""
    scale = "" if parameter.scaling is Scaling.AUTO else parameter.scaling.value
    return parameter.name, kind, f"{shown(parameter.low)} to {shown(parameter.high)}", scale
