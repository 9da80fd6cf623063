"""Programs that serve a model as AWS's containers do: `/ping`, `/invocations`, `/execution-parameters`. docs/inference.md says how.

They know what a container knows: `/opt/ml/model`, the environment, and the port in `SAGEMAKER_BIND_TO_PORT`. None of the emulator
imports them. `start.py` runs scripts as AWS's inference toolkits do, by its path in the interpreter of the scripts, so it and what it
imports need the standard library of Python 3.9 alone; `python -m local_emulator.inference.stand_ins IMAGE` serves the models of the
stand-ins for AWS's algorithms.
"""
