"""Is a model underfitting or overfitting, what did each hyperparameter do, and what is worth doing next.

Pure functions of learning curves and results. The remedies come in the order of their worth: more data, stopping earlier, data
augmentation, and only then the hyperparameters; for a model that underfits, more training, then less regularization.
"""

from sm_tuning.analysis.advice import Advice
from sm_tuning.analysis.diagnosis import Diagnosis, diagnose
from sm_tuning.analysis.effects import Effect
from sm_tuning.analysis.fit import Fit, Verdict, classify
from sm_tuning.analysis.metric_names import pair

__all__ = ["Advice", "Diagnosis", "Effect", "Fit", "Verdict", "classify", "diagnose", "pair"]
