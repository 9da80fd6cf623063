"""What a failure reason says of the training."""

import pytest

from sm_tuning.analysis.failures import diverged, telling_line

WRAPPED = 'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "{line}\n"\nCommand "/usr/bin/python3 train.py"'


@pytest.mark.parametrize(
    "line",
    [
        "ValueError: Input X contains NaN.",
        "ValueError: Input contains NaN, infinity or a value too large for dtype('float64').",
        "ValueError: column age has 3 missing values (NaN)",
        "numpy.core._exceptions.MemoryError: Unable to allocate 7.45 GiB",
        "torch.cuda.OutOfMemoryError: CUDA out of memory, overflow",
        "FileNotFoundError: [Errno 2] No such file or directory: '/opt/ml/input/data/training/nan.csv'",
        "KeyError: 'nan'",
        "ModuleNotFoundError: No module named 'inf'",
    ],
)
def test_what_is_no_divergence(line: str) -> None:
    reason = WRAPPED.format(line=line)
    assert diverged(reason) is None
    assert line[:60] in telling_line(reason)


@pytest.mark.parametrize(
    "line",
    [
        "The loss is not a number in epoch 3: learning_rate=1 is too high",
        "RuntimeError: Loss is nan, stopping training",
        "FloatingPointError: Loss became infinite or NaN at iteration=84!",
        "ValueError: training diverged",
        "RuntimeWarning: overflow encountered in exp",
    ],
)
def test_what_is_divergence(line: str) -> None:
    assert line in (diverged(WRAPPED.format(line=line)) or "")


def test_an_unknown_failure_is_told_by_the_errors_own_line() -> None:
    assert telling_line(WRAPPED.format(line="ValueError: too few rows")) == "ValueError: too few rows"
    assert telling_line("ClientError: the role may not read the bucket") == "ClientError: the role may not read the bucket"
    assert telling_line("") == "no reason was given"


# The form of AWS's FailureReason since it ends with the exit code.
TODAY = 'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "{text}"\nCommand "/usr/bin/python3 train.py", exit code: 1'


@pytest.mark.parametrize("line", ["KeyError: 'x'", 'KeyError: "it\'s"', "ValueError: too few rows", 'ValueError: no column "a"'])
def test_the_toolkits_quotes_are_not_the_errors(line: str) -> None:
    assert telling_line(TODAY.format(text=line)) == line
    assert telling_line(TODAY.format(text=f"Traceback (most recent call last):\n{line}\n")) == line


def test_the_toolkits_quotes_are_not_of_what_diverged() -> None:
    assert diverged(TODAY.format(text="RuntimeError: Loss is nan")) == "RuntimeError: Loss is nan"


def test_a_message_that_is_cut_has_no_quote_at_its_end() -> None:
    cut = TODAY.format(text='ValueError: no column "a" in the file').partition(" in")[0]
    assert telling_line(cut) == 'ValueError: no column "a"'


NONE = "ERROR: Could not find a version that satisfies the requirement nan-tools==9 (from versions: none)"
NO_MATCH = "ERROR: No matching distribution found for nan-tools==9"
CONFLICT = "ERROR: Cannot install a==1 and b==2 because these package versions have conflicting dependencies."
HELP = "ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/"


@pytest.mark.parametrize("kind", ["InstallRequirementsError", "InstallModuleError"])
@pytest.mark.parametrize(
    ("lines", "telling"),
    [
        ([NO_MATCH, NONE], NO_MATCH),  # the emulator's order
        ([NONE, NO_MATCH], NO_MATCH),  # pip's
        ([NONE], NONE),
        ([CONFLICT, HELP], CONFLICT),
        ([HELP, "", "The conflict is caused by:", CONFLICT], CONFLICT),
        (["ERROR: Exception:", "Traceback (most recent call last):", "OSError: no space"], "OSError: no space"),
    ],
)
def test_a_package_that_cannot_be_installed_is_named(kind: str, lines: list[str], telling: str) -> None:
    reason = TODAY.replace("ExecuteUserScriptError", kind).format(text="\n".join(lines))
    assert telling_line(reason) == telling
    assert diverged(reason) is None, "whatever the package is called"


def test_of_a_script_s_message_without_an_error_s_name_its_first_line_is_told() -> None:
    assert telling_line(TODAY.format(text="the labels lack a class\nsee the log")) == "the labels lack a class"
