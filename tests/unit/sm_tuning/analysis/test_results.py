"""Results: time and slots, the best, and the table."""

import csv
import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sm_tuning import Invalid, MissingExtra
from sm_tuning.analysis import diagnose
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.analysis.savings import saved
from sm_tuning.client.description import TuningJobDescription
from sm_tuning.spec.metrics import Objective
from sm_tuning.spec.parameters import Categorical, Continuous, Integer, Range, Scaling
from tests.unit.sm_tuning.made_results import made

JOB = TuningJobDescription(name="one", objective=Objective.minimize("loss"), max_parallel=2)


def trial(number: int, status: str = "Completed", epochs: int = 1, seconds: int = 10) -> TrialResult:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=100 * (number // 2))
    return TrialResult(
        tuning_job="one",
        name=f"job-{number}",
        status=status,
        hyperparameters={"x": str(number)},
        reported=1.0 / (number + 1),
        created=start,
        started=start,
        ended=start + timedelta(seconds=seconds),
        curves={"loss": [1.0] * epochs},
    )


def test_without_pandas_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"pip install 'sm-tuning\[results\]'"):
        Results(tuning_jobs=[JOB], trials=[trial(0)]).write(tmp_path / "rows.parquet")


AUTO = {"HyperParameterTuningJobConfig": {"Strategy": "Random", "TrainingJobEarlyStoppingType": "Auto"}}
HALVING = {
    "HyperParameterTuningJobConfig": {
        "Strategy": "Hyperband",
        "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}},
    }
}
EARLY, HYPERBAND = replace(JOB, request=AUTO), replace(JOB, strategy="Hyperband", request=HALVING)


def test_what_early_stopping_saved_and_how_full_the_slots_were() -> None:
    trials = [trial(0, epochs=10, seconds=100), trial(1, "Stopped", 4, 40), trial(2, epochs=10, seconds=100)]
    results = Results(tuning_jobs=[EARLY], trials=[*trials, trial(3, "Stopped", 5, 50)])
    assert saved(results) == {"early stopping": pytest.approx(6 * 10 + 5 * 10)}
    assert results.wall_seconds == 200
    assert results.slot_use == pytest.approx(290 / 400)
    assert saved(Results(tuning_jobs=[EARLY], trials=trials[:1])) == {}


def test_what_rungs_saved_is_hyperbands_and_what_reached_max_resource_saved_nothing() -> None:
    trials = [trial(0, "Stopped", 9, 90), trial(1, "Stopped", 3, 30), trial(2, "Stopped", 1, 10)]
    assert saved(Results(tuning_jobs=[HYPERBAND], trials=trials)) == {"Hyperband": pytest.approx(6 * 10 + 8 * 10)}
    assert saved(Results(tuning_jobs=[JOB], trials=trials)) == {}  # whoever stopped them, early stopping is off


def test_what_runs_when_a_tuning_job_is_stopped_has_saved_nothing() -> None:
    trials = [trial(0, epochs=10, seconds=100), trial(1, "Stopped", 4, 40), trial(2, epochs=10), trial(3, "Stopped", 5, 50)]
    results = Results(tuning_jobs=[replace(EARLY, status="Stopped")], trials=trials)
    assert saved(results) == {"early stopping": pytest.approx(6 * 10)}


def test_where_training_jobs_were_stopped() -> None:
    trials = [trial(0, "Stopped", 9), trial(1, "Stopped", 3), trial(2, epochs=9), trial(3, "InProgress", 2)]
    results = Results(tuning_jobs=[HYPERBAND], trials=trials)
    assert [results.stopped_at(each) for each in trials] == ["MaxResource", "value 3", "", ""]
    assert [results.ran_to_its_end(each) for each in trials] == [True, False, True, False]
    coarse = replace(trials[1], coarse=True)
    assert results.stopped_at(coarse) == ""
    inferred = replace(HYPERBAND, request={}, static_hyperparameters={"epochs": "3"})
    assert Results(tuning_jobs=[inferred], trials=trials).stopped_at(trials[1]) == "MaxResource"


def test_how_many_values_a_training_job_would_have_made() -> None:
    def with_epochs(number: int, status: str, made: int, epochs: int) -> TrialResult:
        return replace(trial(number, status, made), hyperparameters={"epochs": str(epochs)})

    trials = [with_epochs(0, "Completed", 5, 5), with_epochs(1, "Completed", 20, 20), with_epochs(2, "Stopped", 4, 12)]
    results = Results(tuning_jobs=[EARLY], trials=trials)
    assert [results.most_values(each) for each in trials] == [5, 20, 12]
    trials = [trial(0, epochs=5), trial(1, epochs=20), trial(2, "Stopped", 4)]
    assert Results(tuning_jobs=[EARLY], trials=trials).most_values(trials[2]) == 20


def test_instance_hours_count_the_instances() -> None:
    trials = [trial(0, seconds=1800), trial(1, seconds=1800)]
    assert Results(tuning_jobs=[JOB], trials=trials).instance_hours == pytest.approx(1)
    assert Results(tuning_jobs=[replace(JOB, instance_count=3)], trials=trials).instance_hours == pytest.approx(3)


def test_instance_hours_count_those_of_each_definition() -> None:
    trials = [replace(trial(index, seconds=1800), definition=name) for index, name in enumerate(("small", "large"))]
    job = replace(JOB, instance_counts={"small": 1, "large": 4})
    assert Results(tuning_jobs=[job], trials=trials).instance_hours == pytest.approx(0.5 + 2)


def test_of_several_with_the_best_objective_the_one_that_the_service_names_is_the_best() -> None:
    trials = [replace(trial(number), reported=0.5) for number in range(3)]
    best = Results(tuning_jobs=[JOB], trials=trials).best
    assert best is not None
    assert best.name == "job-0"
    best = Results(tuning_jobs=[replace(JOB, best_training_job="job-2")], trials=trials).best
    assert best is not None
    assert best.name == "job-2"


@pytest.mark.parametrize(("status", "reported"), [("Failed", 0.1), ("Completed", float("nan")), ("Completed", None)])
def test_what_failed_or_reported_no_number_has_no_objective(status: str, reported: float | None) -> None:
    results = Results(tuning_jobs=[JOB], trials=[replace(trial(0), status=status, reported=reported), trial(1)])
    assert [result.name for result in results.ranking] == ["job-1"]
    assert results.trials[0].objective is None


def test_hyperparameters_are_numbers_where_they_are() -> None:
    hyperparameters = {"rate": "1e-3", "kind": '"adam"', "flag": "true", "version": "1_0"}
    settings = replace(trial(0), hyperparameters=hyperparameters).settings
    assert settings == {"rate": 0.001, "kind": "adam", "flag": "true", "version": "1_0"}


def test_several_tuning_jobs_have_parts() -> None:
    first, second = made(12, name="first"), made(5, name="second")
    both = Results(
        tuning_jobs=[*first.tuning_jobs, *second.tuning_jobs],
        trials=[replace(result, name=f"{result.tuning_job}-{result.name}") for result in (*first.trials, *second.trials)],
    )
    assert [([job.name for job in part.tuning_jobs], len(part.trials)) for part in both.parts] == [
        (["first"], 12),
        (["second"], 5),
    ]
    for part in both.parts:
        assert part.best_so_far()[-1][1] == min(result.objective for result in part.trials if result.objective is not None)
    assert both.wall_seconds == first.wall_seconds + second.wall_seconds


def test_a_thousand_training_jobs_are_diagnosed_in_seconds() -> None:
    """Not a measurement: a bound that only something quadratic breaks."""
    begun = time.process_time()
    diagnose(Results(tuning_jobs=[JOB], trials=[trial(number, epochs=100) for number in range(1000)]))
    assert time.process_time() - begun < 20


def test_the_table_as_files(tmp_path: Path) -> None:
    results = made(5)
    columns = ["learning_rate", "units", "kind", "TrainingJobName", "TrainingJobStatus", "FinalObjectiveValue"]
    columns += ["TrainingStartTime", "TrainingEndTime", "TrainingElapsedTimeSeconds", "StoppedAt"]
    assert [list(row) for row in results.table()] == [columns] * 5
    results.write(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8") as file:
        assert [row["TrainingJobName"] for row in csv.DictReader(file)] == [result.name for result in results.trials]
    results.write(tmp_path / "rows.json")
    rows = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert [len(row["Curves"]["train:loss"]) for row in rows] == [20] * 5
    with pytest.raises(Invalid, match=r"rows.xlsx ends with '.xlsx'; it must end with .csv, .json or .parquet"):
        results.write(tmp_path / "rows.xlsx")


def test_the_table_for_pandas(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="a DataFrame needs pandas: pip install 'sm-tuning[results]'")
    results = made(5)
    assert list(results.dataframe()["units"]) == [result.settings["units"] for result in results.trials]
    results.write(tmp_path / "rows.parquet")
    assert list(pandas.read_parquet(tmp_path / "rows.parquet")["kind"]) == [result.settings["kind"] for result in results.trials]


def test_the_table_says_where_training_jobs_were_stopped(tmp_path: Path) -> None:
    trials = [trial(0, "Stopped", 9), trial(1, "Stopped", 3), trial(2, epochs=9)]
    results = Results(tuning_jobs=[HYPERBAND], trials=trials)
    assert [row["StoppedAt"] for row in results.table()] == ["MaxResource", "value 3", None]
    results.write(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8") as file:
        assert [row["StoppedAt"] for row in csv.DictReader(file)] == ["MaxResource", "value 3", ""]
    pytest.importorskip("pandas", reason="a DataFrame needs pandas: pip install 'sm-tuning[results]'")
    column = results.dataframe()["StoppedAt"]
    assert (column.dropna().tolist(), column.isna().tolist()) == (["MaxResource", "value 3"], [False, False, True])
    assert replace(results, trials=trials[2:]).dataframe()["StoppedAt"].dtype == column.dtype


def test_columns_have_the_types_of_their_ranges() -> None:
    pytest.importorskip("pandas", reason="a DataFrame needs pandas: pip install 'sm-tuning[results]'")
    ranges: list[Range] = [
        Continuous("rate", 0, 4),
        Integer("units", 1, 2**62, Scaling.LOGARITHMIC),
        Categorical("batch", [16, 32]),
        Categorical("flag", [True, False]),
    ]
    values = [
        {"rate": "1", "units": "9007199254740993", "batch": "16", "flag": "True", "other": "3", "text": '"7"'},
        {"rate": "1e-3", "units": "12.0", "batch": '"32"', "flag": "False", "other": "4"},
        {"rate": "2", "batch": "32", "flag": "True"},
    ]
    trials = [replace(trial(number), hyperparameters=row) for number, row in enumerate(values)]
    trials[2] = replace(trials[2], status="Failed", reported=None, started=None, ended=None)
    results = Results(tuning_jobs=[replace(JOB, ranges=ranges)], trials=trials)
    frame = results.dataframe()
    assert [str(frame[name].dtype) for name in ("rate", "units", "other")] == ["float64", "Int64", "Int64"]
    assert frame["units"].tolist()[:2] == [9007199254740993, 12]
    assert frame["units"].isna().tolist() == [False, False, True]
    assert frame["batch"].tolist() == ["16", "32", "32"]
    assert frame["flag"].tolist() == ["True", "False", "True"]
    assert frame["text"].tolist()[0] == "7"
    assert [str(frame[name].dtype) for name in ("FinalObjectiveValue", "TrainingElapsedTimeSeconds")] == ["float64"] * 2
    assert frame["TrainingEndTime"].dt.tz is not None
    running = replace(results, trials=[replace(trials[0], reported=None, started=None, ended=None)]).dataframe()
    assert running.dtypes.drop("text").tolist() == frame.dtypes.drop("text").tolist()
    assert list(replace(results, trials=[]).dataframe().columns)[:2] == ["TrainingJobName", "TrainingJobStatus"]


def test_ranges_are_those_of_each_training_jobs_own_tuning_job() -> None:
    jobs = [
        replace(JOB, name="one", ranges=[Integer("x", 1, 9)]),
        replace(JOB, name="two", ranges=[Categorical("x", ["1", "2"])]),
    ]
    trials = [replace(trial(1), tuning_job=name) for name in ("one", "two", "three")]
    results = Results(tuning_jobs=jobs, trials=trials)
    assert [row["x"] for row in results.table()] == [1, "1", 1]
