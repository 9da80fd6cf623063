"""Hyperparameters of the stand-ins are checked as AWS's algorithms check them, and refused in their words."""

from collections.abc import Mapping

import pytest

from local_emulator.algorithms import contract
from sm_tuning.rules import catalogue
from tests.integration.local_emulator.algorithms.running import GOOD, NAMES

_SCHEMA = " (caused by ValidationError)\n\nCaused by: "


@pytest.mark.parametrize(
    ("algorithm", "changes", "reason"),
    [
        ("xgboost", {"num_round": None}, "Missing required hyperparameter: num_round"),
        ("xgboost", {"eta": 2}, "Hyperparameter eta: 2.0 is not in [0, 1]"),
        ("xgboost", {"subsample": 0}, "Hyperparameter subsample: 0.0 is not in (0, 1]"),
        ("xgboost", {"max_depth": "deep"}, "Hyperparameter max_depth: could not parse value (caused by ValueError)"),
        ("xgboost", {"num_round": '"2"'}, "Hyperparameter num_round: could not parse value"),
        ("xgboost", {"objective": '"reg:squarederror"'}, 'Hyperparameter objective: "reg:squarederror" is not in ['),
        ("xgboost", {"updater": "nonsense"}, "Hyperparameter updater: value ['nonsense'] not in range ["),
        ("xgboost", {"depth": 3}, "Extraneous hyperparameter found: depth"),
        ("linear_learner", {"predictor_type": "x"},
         "The value 'x' is not valid for the 'predictor_type' hyperparameter which accepts one of the following: "
         "'binary_classifier', 'multiclass_classifier', 'regressor'" + _SCHEMA),
        ("linear_learner", {"mini_batch_siz": 3},
         "Additional hyperparameters are not allowed ('mini_batch_siz' was unexpected)" + _SCHEMA + "Additional"),
        ("linear_learner", {"a": 3, "b": 3}, "Additional hyperparameters are not allowed ('a', 'b' were unexpected)"),
        ("linear_learner", {"feature_dim": "abc"},
         "The value 'abc' is not valid for the 'feature_dim' hyperparameter which expects one of the following: "
         "a string which matches the pattern '^(auto|[1-9][0-9]*)$'; or an integer greater than 1" + _SCHEMA + "'abc'"),
        ("linear_learner", {"quantile": 2}, "; or a number between 0 and 1"),
        ("kmeans", {"k": None, "feature_dim": None},
         "No value(s) were specified for 'feature_dim', 'k' which are required hyperparameter(s)" + _SCHEMA + "'feature_dim' is"),
        ("kmeans", {"k": "784.0"}, "a string which matches the pattern '^([1-9][0-9]*)$'; or an integer greater than 1"),
        ("random_cut_forest", {"num_trees": 49}, "The value '49' is not valid for the 'num_trees' hyperparameter"),
        ("lda", {"alpha0": "0"}, "The value '0' is not valid for the 'alpha0' hyperparameter"),
        ("blazingtext", {"mode": None}, "No value(s) were specified for 'mode'"),
        ("knn", {"predictor_type": None}, "No value(s) were specified for 'predictor_type'"),
    ],
)  # fmt: skip
def test_hyperparameters_are_refused_in_aws_s_words(algorithm: str, changes: Mapping[str, object], reason: str) -> None:
    hyperparameters = {name: str(value) for name, value in {**GOOD[algorithm], **changes}.items() if value is not None}
    with pytest.raises(contract.CustomerError) as refused:
        contract.checked(catalogue.load(NAMES.get(algorithm, algorithm)), hyperparameters)
    assert reason in str(refused.value)


def test_hyperparameters_have_aws_s_defaults_and_names() -> None:
    hyperparameters = contract.checked(
        catalogue.load("sagemaker-xgboost"), {"num_round": "5", "reg_alpha": "1", "_tuning_objective_metric": "x"}
    )
    assert (hyperparameters["num_round"], hyperparameters["alpha"], hyperparameters["eta"]) == (5, 1.0, None)
    hyperparameters = contract.checked(catalogue.load("kmeans"), {"k": "5", "feature_dim": "2", "force_dense": "True"})
    assert (hyperparameters["extra_center_factor"], hyperparameters["local_lloyd_tol"], hyperparameters["force_dense"]) == (
        "auto",
        0.0001,
        True,
    )
