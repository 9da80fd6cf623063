"""AWS's built-in algorithms that have a stand-in here: their images, what may be tuned, and the metrics that AWS defines for them.

Images and accounts are those of the SageMaker Python SDK 2 (`image_uri_config`); tunables and metrics those of the developer guide
and of aws/sagemaker-xgboost-container.
"""

import re
from dataclasses import dataclass

from local_emulator.domain.jobs import MetricDefinition


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_IMAGE = re.compile(r"(\d{12})\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.[a-z0-9.-]+/([a-z0-9-]+)(?:[:@].*)?")
_ACCOUNTS = _words(  # in all of AWS's regions
    """
    104374241257 106583098589 108575199400 121021644041 124985052026 141502667606 174872318107 190319476487
    226302683700 237065988967 246618743249 249704162688 257386234256 257758044811 272398656194 281123927165
    286214385809 306986355934 341280168497 351501993468 354813040037 366743142698 382416733822 387376663083
    390948362332 404615174143 414596584902 433757028032 438346466558 450853457545 451049120500 455444449433
    469771592824 475088953585 490574956308 492215442770 501404015308 510948584623 544295431143 628508329040
    632365934929 644912444149 651117190479 659782779980 662702820516 664544806723 669576153137 680994064768
    683313688378 685385470294 712309505854 720646828776 737474898029 746614075791 749696950732 764974769150
    765400339828 783357654285 801668240914 811284229777 813361260812 825641698319 833128469047 835164637446
    855470959533 867004704886 898809789911 951798379941 978288397137 991648021394
    """
)
_NUMBER = r"(\S+)"
_DECIMAL = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"  # other metrics may follow on its line


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """A built-in algorithm. `name` is that of its program in `local_emulator.algorithms`."""

    name: str
    repositories: frozenset[str]
    tunable: frozenset[str]
    metrics: tuple[MetricDefinition, ...]


def _xgboost_metrics(*sets: str) -> tuple[MetricDefinition, ...]:
    names = (
        "accuracy auc aucpr balanced_accuracy error f1 f1_binary f1_macro logloss mae map mape merror mlogloss mphe mse ndcg "
        "precision precision_macro precision_micro recall recall_macro recall_micro r2 rmse rmsle aft-nloglik cox-nloglik "
        "gamma-deviance gamma-nloglik interval-regression-accuracy poisson-nloglik tweedie-nloglik"
    )
    return tuple(
        MetricDefinition(name=f"{where}:{one}", regex=rf".*\[[0-9]+\].*#011{where}-{one}:{_DECIMAL}.*")
        for one in names.split()
        for where in sets
    )


def _quality(where: str, told: str, kind: str) -> str:
    return rf"#quality_metric: host=\S+, {where} {told} <{kind}>={_NUMBER}"


_PROGRESS = (
    MetricDefinition(name="train:progress", regex=rf"#progress_metric: host=\S+, completed {_NUMBER} %"),
    MetricDefinition(name="train:throughput", regex=rf"#throughput_metric: host=\S+, train throughput={_NUMBER} records/second"),
)


def _linear_metrics() -> tuple[MetricDefinition, ...]:
    """As a real Describe lists them."""
    found = list(_PROGRESS)
    for where in ("train", "validation"):
        regex = rf"#quality_metric: host=\S+, epoch=\S+, {where} \S+_objective <loss>={_NUMBER}"
        found.append(MetricDefinition(name=f"{where}:objective_loss", regex=regex))
        found.append(MetricDefinition(name=f"{where}:objective_loss:final", regex=_quality(where, r"\S+_objective", "loss")))
    found.append(MetricDefinition(name="test:objective_loss", regex=_quality("test", r"\S+_objective", "loss")))
    for where in ("train", "validation", "test"):
        found += _several(
            where,
            losses="mse rmse absolute_loss",
            scores="binary_classification_accuracy binary_f_beta precision recall roc_auc_score",
        )
    for where in ("validation", "test"):
        found += _several(
            where, scores="multiclass_accuracy multiclass_top_k_accuracy dcg macro_recall macro_precision macro_f_beta"
        )
    return tuple(found)


def _several(where: str, losses: str = "", scores: str = "") -> tuple[MetricDefinition, ...]:
    told = {**dict.fromkeys(losses.split(), "loss"), **dict.fromkeys(scores.split(), "score")}
    # The log has the beta of an F score and the k of a top-k accuracy in the name: binary_f_1.000.
    names = {one: re.sub("(?<=_f_)beta$|(?<=top_k_accuracy)$", _also, one) for one in told}
    return tuple(MetricDefinition(name=f"{where}:{one}", regex=_quality(where, names[one], kind)) for one, kind in told.items())


def _also(found: re.Match[str]) -> str:
    return r"\S+" if found[0] else r"_\S+"


_XGBOOST_TUNABLE = _words(
    "alpha reg_alpha lambda reg_lambda gamma min_split_loss eta learning_rate subsample colsample_bytree colsample_bylevel "
    "colsample_bynode min_child_weight max_delta_step max_depth num_round"
)

ALGORITHMS = (
    Algorithm(
        name="xgboost",
        repositories=_words("sagemaker-xgboost"),
        tunable=_XGBOOST_TUNABLE,
        metrics=_xgboost_metrics("validation"),
    ),
    Algorithm(  # its first image, whose repository has a name of its own
        name="xgboost",
        repositories=_words("xgboost"),
        tunable=_XGBOOST_TUNABLE,
        metrics=_xgboost_metrics("train", "validation"),
    ),
    Algorithm(
        name="linear_learner",
        repositories=_words("linear-learner"),
        tunable=_words("wd l1 learning_rate mini_batch_size use_bias positive_example_weight_mult"),
        metrics=_linear_metrics(),
    ),
    Algorithm(
        name="kmeans",
        repositories=_words("kmeans"),
        tunable=_words("epochs extra_center_factor init_method mini_batch_size"),
        metrics=(
            *_several("test", losses="msd ssd"),
            MetricDefinition(name="train:msd", regex=_quality("train", "msd", "loss")),
            *_PROGRESS,
        ),
    ),
    Algorithm(
        name="knn",
        repositories=_words("knn"),
        tunable=_words("k sample_size"),
        metrics=_several("test", losses="mse", scores="accuracy"),
    ),
    Algorithm(
        name="factorization_machines",
        repositories=_words("factorization-machines"),
        tunable=_words("epochs mini_batch_size")
        | {
            f"{part}_{what}"
            for part in ("bias", "linear", "factors")
            for what in ("init_scale", "init_sigma", "init_value", "lr", "wd")
        },
        metrics=(
            *_several(
                "test",
                losses="rmse binary_classification_cross_entropy",
                scores="binary_classification_accuracy binary_f_beta",
            ),
            *(
                MetricDefinition(
                    name=f"train:{one}", regex=rf"#quality_metric: host=\S+, epoch=\S+, train {one} <{kind}>={_NUMBER}"
                )
                for one, kind in (
                    ("rmse", "loss"),
                    ("binary_classification_cross_entropy", "loss"),
                    ("binary_classification_accuracy", "score"),
                )
            ),
        ),
    ),
)


def builtin(image: str) -> Algorithm | None:
    """The built-in algorithm of an image of AWS's; None if it is none, or has no stand-in."""
    found = _IMAGE.fullmatch(image)
    if found is None or found[1] not in _ACCOUNTS:
        return None
    return next((one for one in ALGORITHMS if found[2] in one.repositories), None)
