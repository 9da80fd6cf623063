"""Whether a model underfits or overfits, what each hyperparameter did, and what to do next.

Pure functions of learning curves and results; only `reading` asks the service. The remedies come in the order of their worth: more
data, stopping earlier, data augmentation, and only then the hyperparameters; for a model that underfits, more training, then less
regularization.
"""

from sm_tuning.analysis.advice import Advice, Remedy
from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.diagnosis import Diagnosis, diagnose
from sm_tuning.analysis.effects import Effect
from sm_tuning.analysis.fit import Fit, Verdict, classify
from sm_tuning.rules.metric_pairs import metric_pair

__all__ = ["Advice", "Confidence", "Diagnosis", "Effect", "Fit", "Remedy", "Verdict", "classify", "diagnose", "metric_pair"]
