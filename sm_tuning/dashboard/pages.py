"""What the dashboard's pages show, read through tuning runs that are kept: asking again makes no client and reads no old log.

Nor does it make a view model or a chart again: those of a result that has not changed are kept.
"""

import functools
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from sm_tuning.analysis.reading import read_data_scaling, read_failures, read_results
from sm_tuning.boto import Session
from sm_tuning.client import loopback
from sm_tuning.client.log_search import TAIL, LogMatches, LogSearch
from sm_tuning.client.run import TuningRun
from sm_tuning.client.status import RunStatus
from sm_tuning.client.summaries import TuningJobSummary, training_job, tuning_jobs
from sm_tuning.errors import NotFound
from sm_tuning.report import ViewModel, page_data, view_model
from sm_tuning.report.charts import charts
from sm_tuning.report.comparison_charts import comparison
from sm_tuning.report.curve_charts import curve_charts, families_left_out
from sm_tuning.report.datasets import MOST_CURVES
from sm_tuning.report.parallel import parallel_coordinates
from sm_tuning.report.vegalite import Chart
from sm_tuning.results import read_proposals

if TYPE_CHECKING:
    from sm_tuning.analysis.curves import DetailsCache
    from sm_tuning.analysis.proposals import Proposal
    from sm_tuning.analysis.results import Results

LOG_LINES = TAIL
MOST_JOBS = 100
_READERS = 8
_MOST_KEPT = 8  # view models, and charts of as many pages: about so many are open


class Pages:
    """The facts of each page, by its template's variables."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.client = loopback.client(session, "sagemaker")
        self._first = TuningRun("", session=session, client=self.client)
        self._runs: dict[str, TuningRun] = {}
        self._details: DetailsCache = {}
        self._proposals: dict[str, Proposal] = {}
        self._parents: dict[str, Results] = {}
        self._ended: dict[tuple[str, object], RunStatus] = {}
        self._views: dict[tuple[str, ...], tuple[object, ViewModel]] = {}  # of names: what was read last, and its view model
        self._lock = threading.Lock()  # one read of the results at a time: two would ask for the same logs

    def run(self, name: str) -> TuningRun:
        """The tuning run of a name, which is kept; whether there is one is not asked."""
        return self._runs.setdefault(name, self._first.other(name))

    # --- the list -------------------------------------------------------------------------------------------------------

    def jobs(self) -> Mapping[str, Any]:
        """The newest tuning jobs with their best objective."""
        jobs = tuning_jobs(self.client, MOST_JOBS)
        with ThreadPoolExecutor(_READERS) as threads:
            statuses = list(threads.map(self._status, jobs))
        return {"title": "Tuning jobs", "jobs": list(zip(jobs, statuses, strict=True)), "most": MOST_JOBS}

    def _status(self, job: TuningJobSummary) -> RunStatus | None:
        """How far a tuning job is; one that has ended is described once."""
        key = (job.name, job.created)
        if key in self._ended:
            return self._ended[key]
        try:
            status = self.run(job.name).status()
        except NotFound:  # it was deleted since
            return None
        if status.over:
            self._ended[key] = status
        return status

    # --- tuning jobs ----------------------------------------------------------------------------------------------------

    def view(self, names: Sequence[str], described: Sequence[Mapping[str, Any]] | None = None) -> ViewModel:
        """The view model of tuning jobs; `described` are answers of `describe` that are at hand."""
        with self._lock:
            runs = [self.run(name) for name in names]
            results = read_results(*runs, cache=self._details, described=described)
            proposals = read_proposals(results, runs, self._proposals, self._parents)
            read = (results, read_data_scaling(results, runs, self._details), read_failures(results, runs), proposals)
            kept = self._views.pop(tuple(names), None)
            shown = kept if kept is not None and kept[0] == read else (read, view_model(*read))
            self._views[tuple(names)] = shown  # the last: the first one was asked for longest ago
            if len(self._views) > _MOST_KEPT:
                del self._views[next(iter(self._views))]
            return shown[1]

    def job(self, name: str) -> Mapping[str, Any]:
        """A tuning job: how far it is, its charts, its training jobs."""
        described = self.run(name).describe()
        view = self.view([name], [described])
        drawn, data = _job_charts(view)
        return {
            "title": name,
            "status": self.run(name).status(described),
            "view": view,
            "charts": drawn,
            "left_out": families_left_out(view),
            "numbers": _numbers(view),
            "most": MOST_JOBS,
            "data": data,
        }

    def compared(self, names: Sequence[str]) -> Mapping[str, Any]:
        """Tuning jobs beside each other."""
        view = self.view(names)
        drawn, data = _compared_charts(view)
        return {"title": "Compared", "view": view, "charts": drawn, "data": data}

    # --- training jobs --------------------------------------------------------------------------------------------------

    def training_job(self, name: str) -> Mapping[str, Any]:
        """A training job: its verdict, curves and hyperparameters, and the end of its log with the lines that a metric matches."""
        summary = training_job(self.client, name)
        view, trial = None, None
        if summary.tuning_job is not None:
            view = self.view([summary.tuning_job])
            trial = next((trial for trial in view.trials if trial.name == name), None)
        drawn, data = ({}, "") if view is None or trial is None else _training_job_charts(view, name)
        log = _searched(tuple(self._first.log_tail(name, LOG_LINES)), tuple(summary.metrics.items()), summary.optional_metrics)
        return {
            "title": name,
            "training_job": summary,
            "view": view,
            "trial": trial,
            "model": trial.model if trial is not None else summary.model if self._first.has_model(name, summary) else None,
            "charts": drawn,
            "lines": list(zip(log.tail, log.matched, strict=True)),
            "silent": [check for check in log.checks if check.lacks_values(ended=summary.ended is not None)],
            "most_lines": LOG_LINES,
            "data": data,
        }


@functools.lru_cache(maxsize=_MOST_KEPT)
def _searched(lines: tuple[str, ...], expressions: tuple[tuple[str, str], ...], optional: frozenset[str]) -> LogMatches:
    """What metrics' expressions match in a log; kept, for it takes a process."""
    with LogSearch() as search:
        return search.search(lines, dict(expressions), optional=optional)


# --- charts, with their data ------------------------------------------------------------------------------------------------

_Drawn = tuple[Mapping[str, Chart], str]


@functools.lru_cache(maxsize=_MOST_KEPT)
def _job_charts(view: ViewModel) -> _Drawn:
    drawn = charts(view)
    return drawn, page_data(view, drawn, most_curves=MOST_CURVES)


@functools.lru_cache(maxsize=_MOST_KEPT)
def _compared_charts(view: ViewModel) -> _Drawn:
    lines = parallel_coordinates(view)
    drawn = {**comparison(view), **({} if lines is None else {"parallel-coordinates": lines})}
    return drawn, page_data(view, drawn, most_curves=0)


@functools.lru_cache(maxsize=_MOST_KEPT)
def _training_job_charts(view: ViewModel, name: str) -> _Drawn:
    trial = next(trial for trial in view.trials if trial.name == name)
    drawn = curve_charts(view, trial)
    return drawn, page_data(view, drawn, only=trial)


def _numbers(view: ViewModel) -> Mapping[str, int]:
    return {trial.name: index for index, trial in enumerate(view.trials)}
