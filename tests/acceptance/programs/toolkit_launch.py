"""The commands of the sagemaker-training toolkit for distributions on several hosts, as JSON."""

import json
import os
import sys
import tempfile
from pathlib import Path

os.environ["SAGEMAKER_BASE_DIR"] = tempfile.mkdtemp()
config = Path(os.environ["SAGEMAKER_BASE_DIR"], "input", "config")
config.mkdir(parents=True)
given = json.loads(sys.argv[1])
(config / "resourceconfig.json").write_text(json.dumps(given["resources"]))
for name in ("hyperparameters", "inputdataconfig"):
    (config / f"{name}.json").write_text("{}")

from sagemaker_training import environment, mpi, torch_distributed  # noqa: E402 - they read their variables when they are imported

Path(environment.code_dir).mkdir(parents=True, exist_ok=True)
Path(environment.code_dir, "train.py").touch()
resources, words, processes = given["resources"], given["words"], given["processes"]
hosts, current, network = resources["hosts"], resources["current_host"], resources["network_interface_name"]
torch = torch_distributed.TorchDistributedRunner("train.py", words, {}, processes, hosts[0], hosts, current, network)
master = mpi.MasterRunner("train.py", words, {"SM_HOSTS": ""}, processes, hosts[0], hosts, given["options"], network)
print(json.dumps({"torch": torch._create_command(), "mpi": master._create_command()}))
