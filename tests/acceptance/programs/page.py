"""Run the blocks of a page one after the other: Python ones in one namespace, shell ones in a shell each, TOML ones as job files.

page.py PAGE < JSON, a list of [line, language, code]
"""

import atexit
import gc
import json
import subprocess
import sys
from pathlib import Path

from sm_tuning import TuningJob


def main() -> None:
    """Run them; the first that fails ends it."""
    atexit.register(gc.freeze)  # looking for garbage at the end takes as long as many a block
    names: dict[str, object] = {"__name__": "__main__"}
    for line, language, code in json.load(sys.stdin):
        print(f"--- {sys.argv[1]}:{line}", flush=True)
        if language == "python":
            exec(compile("\n" * line + code, sys.argv[1], "exec"), names)  # noqa: S102 - what the page says
        elif language == "sh":
            subprocess.run(["bash", "-euo", "pipefail", "-c", code], check=True)
        else:
            Path("job.toml").write_text(code)
            checked = TuningJob.from_toml("job.toml", role="arn:aws:iam::123456789012:role/R", output="s3://bucket").dry_run()
            assert checked.ok, checked
            assert not checked.warnings, checked


if __name__ == "__main__":
    main()
