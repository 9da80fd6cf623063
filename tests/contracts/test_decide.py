"""The laws of decide: never too much at a time, never too much in all, an end, and silence until the world moves."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local_emulator.decide import Action, Finish, Launch, Stop, decide
from local_emulator.documents import parse
from local_emulator.domain.history import History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.names import Arn
from local_emulator.domain.tuning import TuningJob
from local_emulator.strategies.registry import make

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def job(jobs: int = 6, parallel: int = 2, *, status: Status = Status.IN_PROGRESS, **config: Any) -> TuningJob:
    request = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxParallelTrainingJobs": parallel, "MaxNumberOfTrainingJobs": jobs} | config.pop("limits", {}),
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]},
        }
        | config,
        "TrainingJobDefinition": {"AlgorithmSpecification": {"MetricDefinitions": []}},
    }
    return TuningJob(
        name="t",
        arn=Arn("arn"),
        region="r",
        request=request,
        plan=parse.tuning(request),
        status=status,
        created=NOW,
        modified=NOW,
        seed=1,
    )


def ask(tuning: TuningJob, trials: Sequence[Trial], now: datetime = NOW) -> Sequence[Action]:
    plan = tuning.plan
    history = History(goal=plan.definitions[0].objective.goal, trials=trials)
    return decide(tuning, history, [make(plan, definition, tuning.seed) for definition in plan.definitions], now)


def apply(tuning: TuningJob, trials: list[Trial], actions: Sequence[Action]) -> TuningJob:
    for action in actions:
        if isinstance(action, Launch):
            trials.append(Trial(name=f"c{action.index}", index=action.index, point=action.point, status=Status.IN_PROGRESS))
        elif isinstance(action, Stop):
            index = next(number for number, trial in enumerate(trials) if trial.name == action.trial)
            assert trials[index].status is Status.IN_PROGRESS, "stopped twice"
            trials[index] = replace(trials[index], status=Status.STOPPING)
        else:
            tuning = replace(tuning, status=action.status, failure_reason=action.reason, ended=NOW)
    return tuning


def end(trial: Trial, status: Status, value: float | None, second: int) -> Trial:
    status = Status.STOPPED if trial.status is Status.STOPPING else status
    final = None if status is Status.FAILED else value
    return replace(
        trial, status=status, final=final, values=() if value is None else (value,), ended=NOW + timedelta(seconds=second)
    )


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(),
    jobs=st.integers(1, 12),
    parallel=st.integers(1, 4),
    early=st.booleans(),
    target=st.none() | st.floats(0, 1),
    patience=st.none() | st.integers(3, 5),
)
def test_any_world_comes_to_an_end(
    data: st.DataObject,
    jobs: int,
    parallel: int,
    early: bool,  # noqa: FBT001 - drawn
    target: float | None,
    patience: int | None,
) -> None:
    criteria: dict[str, Any] = {}
    if target is not None:
        criteria["TargetObjectiveMetricValue"] = target
    if patience is not None:
        criteria["BestObjectiveNotImproving"] = {"MaxNumberOfTrainingJobsNotImproving": patience}
    tuning = job(jobs, parallel, TrainingJobEarlyStoppingType="Auto" if early else "Off", TuningJobCompletionCriteria=criteria)
    trials: list[Trial] = []
    for second in range(1, 200):
        tuning = apply(tuning, trials, ask(tuning, trials))
        assert len([trial for trial in trials if not trial.status.terminal]) <= parallel
        assert len(trials) <= jobs
        assert ask(tuning, trials) == (), "there is more to say although nothing has moved"
        if tuning.status.terminal:
            assert all(trial.status.terminal for trial in trials)
            return
        if data.draw(st.integers(0, 20)) == 0:
            tuning = replace(tuning, status=Status.STOPPING)
        running = [number for number, trial in enumerate(trials) if not trial.status.terminal]
        chosen = data.draw(st.sampled_from(running)) if running else None
        if chosen is not None:
            status = data.draw(st.sampled_from([Status.COMPLETED, Status.COMPLETED, Status.FAILED, Status.STOPPED]))
            trials[chosen] = end(trials[chosen], status, data.draw(st.none() | st.floats(0, 1)), second)
    raise AssertionError("no end")


def world(*rows: tuple[Status, float | None]) -> list[Trial]:
    return [
        Trial(
            name=f"c{number}",
            index=number,
            point={"x": "0.5"},
            status=status,
            final=value,
            values=() if value is None else (value,),
            ended=NOW + timedelta(seconds=number) if status.terminal else None,
        )
        for number, (status, value) in enumerate(rows, 1)
    ]


BAD, MUTE, RUN = (Status.FAILED, None), (Status.COMPLETED, None), (Status.IN_PROGRESS, None)


def test_first_slots_are_filled() -> None:
    actions = ask(job(parallel=3), [])
    assert [type(action) for action in actions] == [Launch] * 3
    assert [action.index for action in actions if isinstance(action, Launch)] == [1, 2, 3]


def test_five_bad_endings_without_a_good_one() -> None:
    tuning = job(20, 2)
    assert len(ask(tuning, world(*[BAD] * 4))) == 2
    assert ask(tuning, world(*[BAD] * 5, RUN)) == ()
    (finish,) = ask(tuning, world(*[BAD] * 5))
    assert isinstance(finish, Finish)
    assert finish.status is Status.FAILED
    assert str(finish.reason).startswith("No training job succeeded after 5 attempts.")
    assert len(ask(tuning, world((Status.COMPLETED, 0.5), *[BAD] * 8))) == 2


def test_no_objective_is_told() -> None:
    (finish,) = ask(job(20, 2), world(*[MUTE] * 5))
    assert isinstance(finish, Finish)
    assert "No objective metrics found after running 5 training jobs." in str(finish.reason)
    assert "'score'" in str(finish.reason)


def test_small_budget_all_failed() -> None:
    (finish,) = ask(job(2, 2), world(BAD, BAD))
    assert isinstance(finish, Finish)
    assert str(finish.reason).startswith("All training jobs failed.")


def test_max_runtime_stops_what_runs_and_completes() -> None:
    tuning = job(limits={"MaxRuntimeInSeconds": 120})
    later = NOW + timedelta(seconds=120)
    trials = world((Status.COMPLETED, 0.5), RUN)
    (stop,) = ask(tuning, trials, later)
    assert isinstance(stop, Stop)
    trials[1] = replace(trials[1], status=Status.STOPPED, ended=later)
    (finish,) = ask(tuning, trials, later)
    assert finish == Finish(status=Status.COMPLETED)


def test_stop_waits_for_its_children() -> None:
    tuning = job(status=Status.STOPPING)
    (stop,) = ask(tuning, world((Status.STOPPING, None), RUN))
    assert isinstance(stop, Stop)
    assert stop.trial == "c2"
    assert ask(tuning, world((Status.STOPPING, None))) == ()
    assert ask(tuning, world((Status.STOPPED, None))) == (Finish(status=Status.STOPPED),)


def test_median_rule_by_hand() -> None:
    """Six earlier trials with running averages at epoch 2 of 0.15, 0.25, 0.35, 0.35, 0.45, 0.55: the median is 0.35."""
    rows = [(0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.3, 0.4), (0.4, 0.5), (0.5, 0.6)]
    tuning = job(10, 7, TrainingJobEarlyStoppingType="Auto")
    earlier = [
        replace(trial, values=values, final=values[-1])
        for trial, values in zip(world(*[(Status.COMPLETED, 0.5)] * 6), rows, strict=True)
    ]

    def stopped(*values: float) -> bool:
        running = Trial(name="late", index=7, point={"x": "0.1"}, status=Status.IN_PROGRESS, values=values)
        return any(isinstance(action, Stop) for action in ask(tuning, [*earlier, running]))

    assert stopped(0.9, 0.34)
    assert not stopped(0.1, 0.35)
    assert not stopped(0.0)


def test_not_improving_by_hand() -> None:
    """0.5, then 0.504 (0.8 per cent better), 0.4 and a failure: three without an improvement of one per cent."""
    tuning = job(20, 2, TuningJobCompletionCriteria={"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}})
    good = Status.COMPLETED
    assert len(ask(tuning, world((good, 0.5), (good, 0.504), (good, 0.4)))) == 2
    assert ask(tuning, world((good, 0.5), (good, 0.504), (good, 0.4), BAD)) == (Finish(status=Status.COMPLETED),)
