"""Ax (BoTorch) with its defaults, as ask and tell over lines of JSON."""

import json
import logging
import sys

from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

logging.disable(logging.CRITICAL)
job = json.loads(sys.argv[1])
client = Client(random_seed=job["seed"])
parameters: list[ChoiceParameterConfig | RangeParameterConfig] = []
for parameter in job["parameters"]:
    name = parameter["name"]
    if parameter["kind"] == "category":
        parameters.append(ChoiceParameterConfig(name=name, values=parameter["values"], parameter_type="str", is_ordered=False))
    else:
        parameters.append(
            RangeParameterConfig(
                name=name,
                bounds=(parameter["low"], parameter["high"]),
                parameter_type="int" if parameter["kind"] == "integer" else "float",
                scaling="log" if parameter["log"] else "linear",
            )
        )
client.configure_experiment(parameters=parameters)
client.configure_optimization(objective="-loss")
for line in sys.stdin:
    message = json.loads(line)
    if "tell" in message:
        number, value = message["tell"]
        client.complete_trial(number, raw_data={"loss": value})
    else:
        ((number, point),) = client.get_next_trials(max_trials=1).items()
        print(json.dumps([number, point]), flush=True)
