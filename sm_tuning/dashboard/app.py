"""The live page as a WSGI application: it draws the view model; the browser replaces what has changed every two seconds.

It answers on loopback only, to its own Host; it changes something only by a POST of its own page, which holds a token that is made
anew at every start. Text of jobs is text: Jinja escapes it, and the page's policy allows no other script.
"""

import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from sm_tuning.boto import Session
from sm_tuning.dashboard.owner import OwnerOnly
from sm_tuning.dashboard.pages import Pages
from sm_tuning.errors import Invalid, NotFound, SmTuningError, optional_package
from sm_tuning.printable import printable
from sm_tuning.report import page, templates

with optional_package("cli", "the dashboard needs waitress"):
    import waitress

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_NAME = re.compile(r"[A-Za-z0-9](-?[A-Za-z0-9]){0,62}")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PORT = 4578
_SCRIPT = "text/javascript; charset=utf-8"
_MOST_BODY = 2**16  # bytes; its requests have none
_MOST_COMPARED = 12


@dataclass(frozen=True)
class _Answer:
    status: str
    body: bytes
    kind: str = "text/html; charset=utf-8"
    policy: str | None = _POLICY  # None: the page brings its own


def _refused(status: str, text: str) -> _Answer:
    return _Answer(status, printable(text).encode(), "text/plain; charset=utf-8")


class Dashboard:
    """A WSGI application that shows the tuning jobs that a boto3 session reaches. `hosts` are the Host headers that it answers to."""

    def __init__(self, session: Session, hosts: Iterable[str]) -> None:
        self._templates = templates("sm_tuning.dashboard", "sm_tuning.report")
        self._pages = Pages(session)
        self.hosts = frozenset(hosts)
        self._token = secrets.token_urlsafe(24)
        report, here = files("sm_tuning.report"), files("sm_tuning.dashboard")
        self._static = {
            "vega.js": (_SCRIPT, report.joinpath("vega", "vega.js").read_bytes()),
            "live.js": (
                _SCRIPT,
                report.joinpath("charts.js").read_bytes()
                + report.joinpath("log.js").read_bytes()
                + here.joinpath("live.js").read_bytes(),
            ),
            "live.css": (
                "text/css; charset=utf-8",
                report.joinpath("page.css").read_bytes() + here.joinpath("live.css").read_bytes(),
            ),
        }

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        try:
            answer = self._guarded(environ)
        except NotFound as error:
            answer = _refused("404 Not Found", str(error))
        except SmTuningError as error:
            answer = _refused("409 Conflict", str(error))
        except Exception as error:  # noqa: BLE001 - the service does not answer: the page shows the error and asks again
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

    # --- requests -------------------------------------------------------------------------------------------------------

    def _guarded(self, environ: "WSGIEnvironment") -> _Answer:
        host = environ.get("HTTP_HOST", "")
        if host not in self.hosts:
            return _refused("403 Forbidden", "This Host is not answered.")
        if environ.get("HTTP_SEC_FETCH_SITE", "none") not in {"none", "same-origin"}:
            return _refused("403 Forbidden", "Other sites are not answered.")
        path = [part for part in environ.get("PATH_INFO", "/").split("/") if part]
        if environ["REQUEST_METHOD"] == "POST":
            return self._change(environ, host, path)
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return _refused("405 Method Not Allowed", "GET, HEAD and POST are.")
        return self._show(path, parse_qs(environ.get("QUERY_STRING", "")))

    def _change(self, environ: "WSGIEnvironment", host: str, path: list[str]) -> _Answer:
        token = environ.get("HTTP_X_SM_TUNING_TOKEN", "")
        if environ.get("HTTP_ORIGIN") != f"http://{host}" or not hmac.compare_digest(token.encode(), self._token.encode()):
            return _refused("403 Forbidden", "Only this dashboard's own page may do that.")
        match path:
            case ["jobs", name, "stop"] if _NAME.fullmatch(name):
                self._pages.run(name).stop()
                return _Answer("200 OK", json.dumps({"stopping": name}).encode(), "application/json")
        return _refused("404 Not Found", "There is nothing of that name.")

    def _show(self, path: list[str], query: Mapping[str, list[str]]) -> _Answer:  # noqa: PLR0911 - a return for each page
        match path:
            case []:
                return self._page("jobs.html", self._pages.jobs())
            case ["static", name] if name in self._static:
                kind, body = self._static[name]
                return _Answer("200 OK", body, kind)
            case ["jobs", name] if _NAME.fullmatch(name):
                return self._page("job.html", self._pages.job(name))
            case ["training-jobs", name] if _NAME.fullmatch(name):
                return self._page("training_job.html", self._pages.training_job(name))
            case ["favicon.ico"]:
                return _Answer("204 No Content", b"")
            case ["compare"]:
                names = _names(query)
                if len(names) > 1:
                    return self._page("compare.html", self._pages.compared(names))
                return self._page("jobs.html", {**self._pages.jobs(), "note": "Tick two tuning jobs or more to compare them."})
            case ["report"] if _names(query):
                return _Answer("200 OK", page(self._pages.view(_names(query))).encode(), policy=None)
        return _refused("404 Not Found", "There is nothing of that name.")

    def _page(self, template: str, facts: Mapping[str, Any]) -> _Answer:
        rendered: str = self._templates.get_template(template).render(token=self._token, **{"data": "", "note": "", **facts})
        return _Answer("200 OK", rendered.encode())


def _names(query: Mapping[str, list[str]]) -> list[str]:
    """The tuning jobs that an address asks for; raises Invalid for more than can be told apart."""
    names = [name for name in dict.fromkeys(query.get("job", [])) if _NAME.fullmatch(name)]
    if len(names) > _MOST_COMPARED:
        raise Invalid(f"{len(names)} tuning jobs are asked for; at most {_MOST_COMPARED} are shown together here")
    return names


def serving(session: Session, port: int | None) -> tuple[Any, str]:
    """A server on loopback that only waits for `run()`, and its address. Port 0 takes a free one, None the usual one if it is free.

    Raises:
        MissingExtra: Jinja is not installed.
        OSError: The port is taken.
    """
    app = Dashboard(session, ())
    options = {"host": "127.0.0.1", "threads": 4, "ident": None, "max_request_body_size": _MOST_BODY}
    try:
        server = waitress.create_server(OwnerOnly(app), port=PORT if port is None else port, **options)
    except OSError:
        if port is not None:
            raise
        server = waitress.create_server(OwnerOnly(app), port=0, **options)
    chosen = server.effective_port
    app.hosts = frozenset({f"127.0.0.1:{chosen}", f"localhost:{chosen}"})
    return server, f"http://127.0.0.1:{chosen}/"
