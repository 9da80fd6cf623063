"""The command that looks at an account before money is spent."""

import re
import sys
from dataclasses import asdict

from sm_tuning.cli.display import console, finding_lines
from sm_tuning.cli.failures import FAILED, USAGE
from sm_tuning.cli.job_file import JobFile
from sm_tuning.cli.output import echo_json
from sm_tuning.cli.plan import cost_document, cost_line
from sm_tuning.cli.target import Target
from sm_tuning.errors import Invalid
from sm_tuning.preflight.doctor import RULES
from sm_tuning.preflight.doctor import doctor as examine
from sm_tuning.spec.job import unique_name

_ACCOUNT = re.compile(r"\d{12}")


def doctor(*, job_file: JobFile, name: str | None, account: str | None, target: Target, as_json: bool) -> None:
    """Say what an account lacks for a tuning job, and the command that mends it."""
    if account is not None and not _ACCOUNT.fullmatch(account):
        raise Invalid(f"--account is {account!r}; it must be 12 digits")
    job = job_file.load(target)
    job = job.named(name or unique_name(job.name))
    findings = examine(job, target.session(), account=account)
    ok = all(finding.state != "problem" for finding in findings)
    prices = job_file.prices(job, target)
    if as_json:
        echo_json({"ok": ok, "findings": [asdict(finding) for finding in findings], **cost_document(job, prices)})
    else:
        out = console()
        for line in finding_lines(findings):
            out.print(line, soft_wrap=True)
        out.print(cost_line(job, prices), soft_wrap=True)
    sys.exit(0 if ok else USAGE if any(finding.check == RULES for finding in findings) else FAILED)
