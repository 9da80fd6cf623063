"""The live page as a WSGI application: what it shows is made here, the browser only puts it in place every two seconds.

It answers on loopback only, to its own Host; it changes something by a POST of its own page only, which knows a token that is made
anew at every start. Whatever comes from jobs is text: Jinja escapes it, and the page's policy lets no script in.
"""

import hmac
import json
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from sm_tuning.diagnosis import diagnose
from sm_tuning.errors import MissingExtra, NotFound, SmTuningError
from sm_tuning.report import charts, page
from sm_tuning.results import Curves, Results
from sm_tuning.run import TuningRun

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_NAME = re.compile(r"[A-Za-z0-9](-?[A-Za-z0-9]){0,62}")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LOG_LINES = 60
_MOST_JOBS = 100


@dataclass(frozen=True)
class _Answer:
    status: str
    body: bytes
    kind: str = "text/html; charset=utf-8"
    policy: str | None = _POLICY  # None: the page brings its own


def _refused(status: str, words: str) -> _Answer:
    return _Answer(status, words.encode(), "text/plain; charset=utf-8")


class Dashboard:
    """A WSGI application that shows the tuning jobs that a boto3 session reaches. `hosts` are the Host headers that it answers to."""

    def __init__(self, session: Any, hosts: Iterable[str]) -> None:  # noqa: ANN401 - boto3 makes its classes at run time
        try:
            import jinja2  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise MissingExtra("the dashboard needs Jinja: pip install 'sm-tuning[cli]'") from error
        self._session = session
        self._client = session.client("sagemaker")
        self.hosts = frozenset(hosts)
        self._token = secrets.token_urlsafe(24)
        self._known: dict[str, Curves] = {}
        self._lock = threading.Lock()  # one read of the results at a time: two would ask for the same logs
        here = files("sm_tuning.dashboard")
        self._static = {
            "live.js": ("text/javascript; charset=utf-8", here.joinpath("live.js").read_bytes()),
            "live.css": (
                "text/css; charset=utf-8",
                files("sm_tuning.report").joinpath("page.css").read_bytes()
                + here.joinpath("live.css").read_bytes()
                + charts.RULES.encode(),
            ),
        }
        self._pages = jinja2.Environment(
            loader=jinja2.FunctionLoader(lambda name: here.joinpath(name).read_text(encoding="utf-8")),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        try:
            answer = self._guarded(environ)
        except NotFound as error:
            answer = _refused("404 Not Found", str(error))
        except SmTuningError as error:
            answer = _refused("409 Conflict", str(error))
        except Exception as error:  # noqa: BLE001 - the service is away: the page says so and asks again
            answer = _refused("502 Bad Gateway", f"{type(error).__name__}: {error}")
        headers = [
            ("Content-Type", answer.kind),
            ("Content-Length", str(len(answer.body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ]
        start_response(answer.status, headers + ([("Content-Security-Policy", answer.policy)] if answer.policy else []))
        return [answer.body]

    # --- the way to an answer -------------------------------------------------------------------------------------------

    def _guarded(self, environ: "WSGIEnvironment") -> _Answer:
        host = environ.get("HTTP_HOST", "")
        if host not in self.hosts:
            return _refused("403 Forbidden", "This Host is not answered.")
        if environ.get("HTTP_SEC_FETCH_SITE", "none") not in {"none", "same-origin"}:
            return _refused("403 Forbidden", "Other sites are not answered.")
        words = [word for word in environ.get("PATH_INFO", "/").split("/") if word]
        if environ["REQUEST_METHOD"] == "POST":
            return self._change(environ, host, words)
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return _refused("405 Method Not Allowed", "GET, HEAD and POST are.")
        return self._show(words, parse_qs(environ.get("QUERY_STRING", "")))

    def _change(self, environ: "WSGIEnvironment", host: str, words: list[str]) -> _Answer:
        token = environ.get("HTTP_X_SM_TUNING_TOKEN", "")
        if environ.get("HTTP_ORIGIN") != f"http://{host}" or not hmac.compare_digest(token.encode(), self._token.encode()):
            return _refused("403 Forbidden", "Only this dashboard's own page may do that.")
        match words:
            case ["jobs", name, "stop"] if _NAME.fullmatch(name):
                TuningRun.attach(name, self._session, client=self._client).stop()
                return _Answer("200 OK", json.dumps({"stopping": name}).encode(), "application/json")
        return _refused("404 Not Found", "There is nothing of that name.")

    def _show(self, words: list[str], query: Mapping[str, list[str]]) -> _Answer:
        match words:
            case []:
                return self._page("jobs.html", title="Tuning jobs", jobs=self._jobs())
            case ["static", name] if name in self._static:
                kind, body = self._static[name]
                return _Answer("200 OK", body, kind)
            case ["jobs", name] if _NAME.fullmatch(name):
                return self._page("job.html", **self._job(name))
            case ["logs", name] if _NAME.fullmatch(name):
                lines = list(TuningRun(name, session=self._session, client=self._client).logs(name))[-_LOG_LINES:]
                return self._page("log.html", title=name, lines=lines)
        return self._report(words, query)

    def _report(self, words: list[str], query: Mapping[str, list[str]]) -> _Answer:
        match words:
            case ["jobs", name, "report"] if _NAME.fullmatch(name):
                return _Answer("200 OK", page(self._results(name)).encode(), policy=None)
            case ["compare"]:
                names = [name for name in query.get("job", []) if _NAME.fullmatch(name)]
                return (
                    _Answer("200 OK", page(self._results(*names)).encode(), policy=None)
                    if names
                    else _refused("400 Bad Request", "compare?job=A&job=B")
                )
        return _refused("404 Not Found", "There is nothing of that name.")

    def _page(self, template: str, **facts: object) -> _Answer:
        return _Answer("200 OK", self._pages.get_template(template).render(token=self._token, **facts).encode())

    # --- what is shown --------------------------------------------------------------------------------------------------

    def _jobs(self) -> list[Mapping[str, Any]]:
        pages = self._client.get_paginator("list_hyper_parameter_tuning_jobs").paginate(
            SortBy="CreationTime", SortOrder="Descending", PaginationConfig={"MaxItems": _MOST_JOBS}
        )
        return [one for some in pages for one in some["HyperParameterTuningJobSummaries"]]

    def _results(self, *names: str) -> Results:
        with self._lock:
            runs = [TuningRun.attach(name, self._session, client=self._client) for name in names]
            return Results.read(*runs, known=self._known)

    def _job(self, name: str) -> dict[str, Any]:
        status = TuningRun.attach(name, self._session, client=self._client).status()
        results = self._results(name)
        found = diagnose(results)
        drawn: dict[str, Callable[[], str | None]] = {
            "Best so far": lambda: charts.best_so_far(results),
            "Learning curves of the best": lambda: charts.learning_curves(results, found),
        }
        from markupsafe import Markup  # noqa: PLC0415 - of an extra

        running = [row for row in results.rows if row.training.status in {"InProgress", "Stopping"}]
        return {
            "title": name,
            "status": status,
            "results": results,
            "found": found,
            "running": running,
            "ended": [*reversed([row for row in results.rows if row not in running])][:_MOST_JOBS],
            "drawn": {title: Markup(svg) for title, draw in drawn.items() if (svg := draw()) is not None},  # noqa: S704 - drawn here
        }


def serve(session: Any, port: int, ready: Callable[[str], object]) -> None:  # noqa: ANN401 - boto3 makes its classes at run time
    """Serve until interrupted; `ready` is told the address. Port 0 takes a free one. Raises MissingExtra and OSError."""
    try:
        import waitress  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra("the dashboard needs waitress: pip install 'sm-tuning[cli]'") from error
    app = Dashboard(session, ())
    server = waitress.create_server(app, host="127.0.0.1", port=port, threads=4, ident=None)
    chosen = server.effective_port
    app.hosts = frozenset({f"127.0.0.1:{chosen}", f"localhost:{chosen}"})
    ready(f"http://127.0.0.1:{chosen}/")
    try:
        server.run()
    finally:
        server.close()
