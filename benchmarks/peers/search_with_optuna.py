"""Optuna's samplers with their defaults, as ask and tell over lines of JSON."""

import json
import sys
import warnings

import optuna

job = json.loads(sys.argv[1])
optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
kind = {"Optuna TPE": optuna.samplers.TPESampler, "Optuna GP": optuna.samplers.GPSampler}[job["sampler"]]
study = optuna.create_study(sampler=kind(seed=job["seed"]))
asked: list[optuna.Trial] = []


def suggest(trial: optuna.Trial, parameter: dict) -> object:  # type: ignore[type-arg]
    """What a trial says for one parameter."""
    name = parameter["name"]
    if parameter["kind"] == "category":
        return trial.suggest_categorical(name, parameter["values"])
    draw = trial.suggest_int if parameter["kind"] == "integer" else trial.suggest_float
    return draw(name, parameter["low"], parameter["high"], log=parameter["log"])


for line in sys.stdin:
    message = json.loads(line)
    if "tell" in message:
        number, value = message["tell"]
        study.tell(asked[number], value)
    else:
        asked.append(study.ask())
        print(json.dumps([len(asked) - 1, {p["name"]: suggest(asked[-1], p) for p in job["parameters"]}]), flush=True)
