"""Why a training job failed, by its failure reason: few failures are divergence."""

import re

# How failing scripts report divergence: PyTorch, Keras, scikit-learn, XGBoost and the project's own.
_DIVERGENCE = re.compile(
    r"(?i)\bdiverge\w*|\bnan\b|not a number|not finite|non-?finite|\binf(inity)?\b|overflow|FloatingPointError"
)
# What says NaN too, but of the data that the script was given.
_DATA = re.compile(
    r"(?i)\binput( \w+)? contains|contains (nan|missing|null|infinit)|(nan|missing|null|inf)\b.{0,20}\b(in|of) (the )?"
    r"(input|data|dataset|column|feature|label|target|file|csv|row)|missing values|"
    r"\b(data|dataset|columns?|features?|labels?|targets?|rows?)\b.{0,30}\b(nan|missing|null|not finite)"
)
# Errors of the program or the machine; whatever stands beside them is no divergence.
_ERRORS = re.compile(
    r"\b(KeyError|IndexError|AttributeError|NameError|TypeError|ImportError|ModuleNotFoundError|FileNotFoundError|PermissionError"
    r"|NotADirectoryError|IsADirectoryError|OSError|SyntaxError|IndentationError|UnicodeDecodeError|JSONDecodeError|ParserError"
    r"|AssertionError|NotImplementedError|TimeoutError|ConnectionError|BrokenPipeError|argparse)\b|\berror: argument\b"
)
_MEMORY = re.compile(r"(?i)\bMemoryError\b|out of memory|cannot allocate memory|\boom\b|\bkilled\b|exit ?code:? 137\b")
# The toolkit's, where pip installs nothing, and the lines of pip that name a package or a file.
_INSTALL = re.compile(r"\bInstall(Requirements|Module)Error\b")
_PIP = re.compile(r"^ERROR: (?!Could not find a version|ResolutionImpossible|Exception:)", re.MULTILINE)
_WRAPPERS = re.compile(
    r"^(AlgorithmError|ExecuteUserScriptError|Install(Requirements|Module)Error|ExitCode|Command|Traceback|File )"
)
_NAMED = re.compile(r"\b\w*(Error|Exception)\b")
# The training toolkit's quotes around what the script has said; of a long message AWS leaves out the end.
_QUOTED = re.compile(r'ErrorMessage "(.*?)(?:"\s+(?=Command ")|\Z)', re.DOTALL)
_MOST = 200  # characters of a line


def diverged(reason: str) -> str | None:
    """The line of a failure reason that says that training diverged; None if it failed for something else."""
    if _INSTALL.search(reason) or _MEMORY.search(reason) or _ERRORS.search(reason) or _DATA.search(reason):
        return None
    reason = _unquoted(reason)
    match = _DIVERGENCE.search(reason)
    return None if match is None else _line(reason, match.start())


def telling_line(reason: str) -> str:
    """The line of a failure reason that says most: the error's own, not the wrapper's."""
    expressions = (*((_PIP,) if _INSTALL.search(reason) else ()), _MEMORY, _ERRORS, _DATA)
    reason = _unquoted(reason)
    for expression in expressions:
        if (match := expression.search(reason)) is not None:
            return _line(reason, match.start())
    lines = [line.strip() for line in reason.splitlines() if line.strip()]
    named = [line for line in lines if _NAMED.search(line) and not _WRAPPERS.match(line)]
    said = [line for line in lines if not _WRAPPERS.match(line)]
    return (named or said or lines or ["no reason was given"])[-1 if named else 0][:_MOST]


def _unquoted(reason: str) -> str:
    """A failure reason with the script's own lines as the script wrote them."""
    return _QUOTED.sub(lambda match: f"{match[1]}\n", reason)


def _line(reason: str, start: int) -> str:
    """The line in which a match begins."""
    end = reason.find("\n", start)
    return reason[reason.rfind("\n", 0, start) + 1 : None if end < 0 else end].strip()[:_MOST]
