"""What the sagemaker-training toolkit makes of hyperparameters: one JSON object a line in, arguments and variables out."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

root = Path(tempfile.mkdtemp())
os.environ |= {"SAGEMAKER_BASE_DIR": str(root), "TRAINING_JOB_NAME": "job", "AWS_DEFAULT_REGION": "us-east-1"}
(root / "input" / "config").mkdir(parents=True)
for name, content in json.loads(sys.argv[1]).items():
    (root / "input" / "config" / f"{name}.json").write_text(json.dumps(content))

from sagemaker_training import environment  # noqa: E402 - it reads its variables when it is imported


def facts(hyperparameters: str) -> dict[str, object]:
    (root / "input" / "config" / "hyperparameters.json").write_text(hyperparameters)
    before = dict(os.environ)
    try:
        toolkit = environment.Environment()
        arguments, variables = toolkit.to_cmd_args(), toolkit.to_env_vars()
        environment.write_env_vars(variables)
        subprocess.run(["true", *arguments], check=True)  # as the script's process would take them
        own = {name: os.environ[name] for name in ("CURRENT_HOST", "SAGEMAKER_JOB_NAME", "SAGEMAKER_REGION")}
    except (ValueError, TypeError) as error:
        return {"error": str(error)}
    finally:
        os.environ.clear()
        os.environ.update(before)
    variables.pop("PYTHONPATH", None)
    return {"arguments": arguments, "variables": {**variables, **own}}


for line in sys.stdin:
    print(json.dumps(facts(line)).replace(str(root), "/opt/ml"), flush=True)
