"""The verdict on one training job: thresholds on its smoothed learning curves, each of which can be checked by eye."""

from sm_tuning.analysis.fit.classify import attainable, classify
from sm_tuning.analysis.fit.margin import margin
from sm_tuning.analysis.fit.rules import EVEN, STUCK
from sm_tuning.analysis.fit.verdict import Cause, Fit, Remark, Verdict

__all__ = ["EVEN", "STUCK", "Cause", "Fit", "Remark", "Verdict", "attainable", "classify", "margin"]
