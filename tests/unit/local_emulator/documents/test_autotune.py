"""What Autotune fills in."""

from typing import Any

import pytest

from local_emulator.documents import autotune

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


def request(
    hints: dict[str, str], *, image: str = "image", ranges: dict[str, Any] | None = None, **config: Any
) -> dict[str, Any]:
    auto = [{"Name": name, "ValueHint": hint} for name, hint in hints.items()]
    return {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "ResourceLimits": {"MaxParallelTrainingJobs": 2},
            "ParameterRanges": {**(ranges or {}), "AutoParameters": auto},
            **config,
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"epochs": "3"},
            "AlgorithmSpecification": {"TrainingImage": image},
        },
        "Autotune": {"Mode": "Enabled"},
    }


def chosen(hints: dict[str, str], **changes: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """The ranges by name, and the static hyperparameters."""
    filled = autotune.filled(request(hints, **changes))
    ranges = filled["HyperParameterTuningJobConfig"]["ParameterRanges"]
    by_name = {parameter["Name"]: parameter for parameters in ranges.values() for parameter in parameters}
    return by_name, dict(filled["TrainingJobDefinition"]["StaticHyperParameters"])


def numbers(low: str, high: str, scaling: str) -> dict[str, str]:
    return {"Name": "x", "MinValue": low, "MaxValue": high, "ScalingType": scaling}


def test_a_request_without_autotune_stays_as_it_is() -> None:
    plain = {"HyperParameterTuningJobConfig": {"Strategy": "Random"}}
    assert autotune.filled(plain) is plain


def test_limits_and_criteria_are_filled_in() -> None:
    filled = autotune.filled(request({"x": "1"}))
    config = filled["HyperParameterTuningJobConfig"]
    assert config["ResourceLimits"] == {"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": 20}
    assert config["TrainingJobEarlyStoppingType"] == "Auto"
    assert config["TuningJobCompletionCriteria"] == {"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}}
    assert filled["TrainingJobDefinition"]["RetryStrategy"] == {"MaximumRetryAttempts": 3}


def test_what_the_user_has_chosen_stays() -> None:
    own: dict[str, Any] = {
        "ResourceLimits": {"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": 5},
        "TrainingJobEarlyStoppingType": "Off",
        "TuningJobCompletionCriteria": {"ConvergenceDetected": {"CompleteOnConvergence": "Disabled"}},
    }
    config = autotune.filled(request({"x": "1"}, **own))["HyperParameterTuningJobConfig"]
    assert {name: config[name] for name in own} == own
    hyperband = autotune.filled(request({"x": "1"}, Strategy="Hyperband"))["HyperParameterTuningJobConfig"]
    assert hyperband["TrainingJobEarlyStoppingType"] == "Off", "it stops training jobs by its own rule"


@pytest.mark.parametrize(
    ("hint", "parameter"),
    [
        ("10", numbers("1", "100", "Logarithmic")),
        ("1", numbers("1", "10", "Logarithmic")),
        ("0.5", numbers("0.05", "5.0", "Logarithmic")),
        ('"0.5"', numbers("0.05", "5.0", "Logarithmic")),
        ("0", numbers("0", "1", "Linear")),
        ("0.0", numbers("0.0", "1.0", "Linear")),
        ("-3", numbers("-6", "-1", "Linear")),
        ("-0.5", numbers("-1.0", "-0.25", "Linear")),
        ("true", {"Name": "x", "Values": ["true", "false"]}),
        ('"False"', {"Name": "x", "Values": ['"True"', '"False"']}),
    ],
)
def test_a_hint_becomes_a_range(hint: str, parameter: dict[str, Any]) -> None:
    assert chosen({"x": hint}) == ({"x": parameter}, {"epochs": "3"})


@pytest.mark.parametrize(
    ("name", "hint"), [("x", "adam"), ("x", "1e308"), ("x", "nan"), ("x", ""), ("sagemaker_container_log_level", "20")]
)
def test_other_hints_become_static(name: str, hint: str) -> None:
    ranges, static = chosen({name: hint, "tuned": "1"})
    assert (set(ranges), static) == ({"tuned"}, {"epochs": "3", name: hint})


def test_a_grid_gets_no_ranges() -> None:
    filled = autotune.filled(request({"x": "1"}, Strategy="Grid"))
    assert filled["HyperParameterTuningJobConfig"]["ParameterRanges"]["AutoParameters"] == [{"Name": "x", "ValueHint": "1"}]
    assert "MaxNumberOfTrainingJobs" not in filled["HyperParameterTuningJobConfig"]["ResourceLimits"]


def test_each_definition_has_its_own() -> None:
    single = request({})
    ranges = {"AutoParameters": [{"Name": "x", "ValueHint": "0.5"}]}
    definitions = [{**single["TrainingJobDefinition"], "HyperParameterRanges": ranges}, single["TrainingJobDefinition"]]
    several = {**single, "TrainingJobDefinitions": definitions}
    del several["TrainingJobDefinition"]
    first, second = autotune.filled(several)["TrainingJobDefinitions"]
    assert first["HyperParameterRanges"] == {"ContinuousParameterRanges": [numbers("0.05", "5.0", "Logarithmic")]}
    assert "HyperParameterRanges" not in second


def test_an_algorithm_of_aws_has_recommended_ranges() -> None:
    ranges, static = chosen({"max_depth": "4", "eta": "2", "objective": "reg:squarederror"}, image=XGBOOST)
    assert (ranges["max_depth"]["MinValue"], ranges["max_depth"]["MaxValue"]) == ("0", "10")
    assert float(ranges["eta"]["MaxValue"]) == 2.0, "widened to the hint"
    assert static["objective"] == "reg:squarederror"
    everything, _ = chosen({}, image=XGBOOST)
    assert {"max_depth", "eta", "alpha"} <= everything.keys(), "without any range all that can be tuned are"
    own = {"ContinuousParameterRanges": [{"Name": "alpha", "MinValue": "0", "MaxValue": "1"}]}
    ranges, static = chosen({"max_depth": "4"}, image=XGBOOST, ranges=own)
    assert (set(ranges), static["max_depth"]) == ({"alpha"}, "4")
